"""YAML files, read with file and line for every fault."""
