"""What this machine has of the things that the notebooks need, and what to do about what is missing."""

from tlhelpers.doctor.stored import describe_cache

__all__ = ["describe_cache"]
