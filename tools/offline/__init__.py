"""Run notebooks where no connection leaves the machine: ``python -m tools.offline [NOTEBOOK ...]``."""
