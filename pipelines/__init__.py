"""The stages: each parses, loads, calls the library and saves; they meet only through files."""
