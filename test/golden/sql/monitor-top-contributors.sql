SELECT side, local_ip, remote_ip, snat_ip, dnat_ip, if(side = 'client', service_port, 0) AS target_port, local_instance, local_subnet, local_vpc, local_az, region, account, remote_instance, remote_subnet, remote_vpc, remote_az, remote_region, remote_account, local_pod_name, local_pod_namespace, local_service_name, remote_pod_name, remote_pod_namespace, remote_service_name, sum(bytes_received + bytes_delivered) AS value, toUnixTimestamp(max(flows.time)) AS last_seconds
FROM flows
WHERE time >= toDateTime({p0:UInt32}, 'UTC') AND time < toDateTime({p1:UInt32}, 'UTC') AND category = {p2:String} AND ((account = {p3:String} AND region = {p4:String}) OR (account = {p5:String} AND region = {p6:String})) AND flows_cut = 0 AND (local_vpc = {p7:String} OR local_subnet = {p8:String} OR local_az = {p9:String} OR region = {p10:String} OR local_cluster = {p11:String}) AND (remote_vpc = {p12:String} OR remote_subnet = {p13:String} OR remote_az = {p14:String} OR remote_identifier = {p15:String} OR (remote_region = {p16:String} OR (remote_region = '' AND remote_identifier = {p17:String})) OR (remote_region = {p18:String} OR remote_identifier = {p19:String}))
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24
HAVING sum(bytes_received + bytes_delivered) > 0
ORDER BY value DESC, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24
LIMIT {p20:UInt32}
SETTINGS enable_positional_arguments = 1

-- p0 = 1800000030
-- p1 = 1800003600
-- p2 = "INTER_AZ"
-- p3 = "000000000000"
-- p4 = "us-east-1"
-- p5 = "111111111111"
-- p6 = "eu-west-1"
-- p7 = "vpc-0a"
-- p8 = "subnet-0b"
-- p9 = "use1-az1"
-- p10 = "us-east-1"
-- p11 = "blue"
-- p12 = "vpc-0c"
-- p13 = "subnet-0d"
-- p14 = "use1-az2"
-- p15 = "S3"
-- p16 = "us-east-1"
-- p17 = "us-east-1"
-- p18 = "eu-west-1"
-- p19 = "eu-west-1"
-- p20 = 100
