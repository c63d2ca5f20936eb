SELECT multiIf(remote_identifier = {p0:String}, {p1:String}, local_az = '', 'unknown', local_az) AS label, toUInt32({p2:UInt32} + intDiv(toUnixTimestamp(time) - {p3:UInt32}, {p4:UInt32}) * {p5:UInt32}) AS bin, sum(toUInt64(rtos_syn) + rtos_est + rtos_close) AS value
FROM flows
WHERE time >= toDateTime({p6:UInt32}, 'UTC') AND time < toDateTime({p7:UInt32}, 'UTC') AND category = {p8:String} AND ((account = {p9:String} AND region = {p10:String}) OR (account = {p11:String} AND region = {p12:String}))
GROUP BY label, bin
HAVING sum(toUInt64(rtos_syn) + rtos_est + rtos_close) > 0
ORDER BY label, bin

-- p0 = "loopback"
-- p1 = "loopback"
-- p2 = 1800000000
-- p3 = 1800000000
-- p4 = 300
-- p5 = 300
-- p6 = 1800000030
-- p7 = 1800003600
-- p8 = "INTER_AZ"
-- p9 = "000000000000"
-- p10 = "us-east-1"
-- p11 = "111111111111"
-- p12 = "eu-west-1"
