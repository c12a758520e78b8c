"""The room of deliveries: impressions as their sources counted them, and what was agreed afterwards."""
