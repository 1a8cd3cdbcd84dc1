"""Handouts of executed notebooks, for students and for tutors: pages that need no network, notebooks and PDFs."""
