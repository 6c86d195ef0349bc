"""The causes of failed executions of deployed flows: from histories, the descriptions of jobs, and the datastore."""
