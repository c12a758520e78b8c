"""Billing: what should exist, minus what is posted, posted."""
