"""AWS Batch, on Fargate and on EC2: a layer is a job, the splits of a fan-out are array jobs."""
