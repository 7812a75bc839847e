"""The rules, one module each, named as the finding: ``RULE`` is what it exports."""
