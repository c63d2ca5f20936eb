SELECT account, local_subnet, local_az, local_vpc, region, remote_identifier, category, sum(bytes_received + bytes_delivered) AS value
FROM flows
WHERE time >= toDateTime({p0:UInt32}, 'UTC') AND time < toDateTime({p1:UInt32}, 'UTC') AND remote_identifier != {p2:String} AND ((account = {p3:String} AND region = {p4:String}) OR (account = {p5:String} AND region = {p6:String}))
GROUP BY 1, 2, 3, 4, 5, 6, 7
HAVING sum(bytes_received + bytes_delivered) > 0
ORDER BY value DESC, 1, 2, 3, 4, 5, 6, 7
LIMIT {p7:UInt32}
SETTINGS enable_positional_arguments = 1

-- p0 = 1800000000
-- p1 = 1800003600
-- p2 = "loopback"
-- p3 = "000000000000"
-- p4 = "us-east-1"
-- p5 = "111111111111"
-- p6 = "eu-west-1"
-- p7 = 20
