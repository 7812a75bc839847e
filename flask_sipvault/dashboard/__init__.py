"""The blueprint: the signed click, the call page and its downloads."""
