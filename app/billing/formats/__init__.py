"""Statements, the journal and invoices in the forms that finance takes into its hands. Pure: what is in them is given."""
