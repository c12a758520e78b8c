"""Floor 0: values every other floor is made of. Knows no rules, databases or HTTP."""
