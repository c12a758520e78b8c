"""Who did what, when and why: written in the transaction of the change."""
