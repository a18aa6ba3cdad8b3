"""Stages as Ansible runs them: the base of the action plugins."""
