"""Attribute directions: estimators, expressions, reliability and leakage."""
