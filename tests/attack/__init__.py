"""Hostile input of every kind, at a small size; see the Makefile for the whole."""
