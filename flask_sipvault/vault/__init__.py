"""Where evidence lives: plain zip files in a folder or in an S3 bucket."""
