SELECT account, local_subnet, local_az, local_vpc, region, remote_identifier, sum(toUInt64(retrans_syn) + retrans_est + retrans_close) AS value
FROM flows
WHERE time >= toDateTime({p0:UInt32}, 'UTC') AND time < toDateTime({p1:UInt32}, 'UTC') AND category = {p2:String} AND ((account = {p3:String} AND region = {p4:String}) OR (account = {p5:String} AND region = {p6:String}))
GROUP BY 1, 2, 3, 4, 5, 6
HAVING sum(toUInt64(retrans_syn) + retrans_est + retrans_close) > 0
ORDER BY value DESC, 1, 2, 3, 4, 5, 6
LIMIT {p7:UInt32}
SETTINGS enable_positional_arguments = 1

-- p0 = 1800000030
-- p1 = 1800003600
-- p2 = "INTER_AZ"
-- p3 = "000000000000"
-- p4 = "us-east-1"
-- p5 = "111111111111"
-- p6 = "eu-west-1"
-- p7 = 100
