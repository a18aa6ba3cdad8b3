#!/usr/bin/python
"""Bring psycopg to a host that has none."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gonogo_driver
short_description: Bring psycopg to a host that has none
description:
  - Unpacks the psycopg that the controller sends into a directory of the login user. Nothing is installed into the host's Python.
  - The other modules of this project call it by themselves when the host's Python has no psycopg; they find libpq through the system's loader or beside the client programs.
extends_documentation_fragment: [gonogo]
options:
  directory:
    description: Directory to unpack into; it must not exist, or have been made by this module.
    type: path
    required: true
  archive:
    description: Zip file in base64.
    type: str
    required: true
  sha256:
    description: SHA-256 of the zip file, 64 hexadecimal digits.
    type: str
    required: true
attributes:
  check_mode:
    support: full
    description: A dry run brings nothing to the host, it says whether it would.
"""

EXAMPLES = r"""
- name: Bring psycopg
  gonogo_driver:
    directory: ~/.gonogo/lib/psycopg-3.2.13-0123456789ab
    archive: "{{ lookup('ansible.builtin.file', 'psycopg.zip.b64') }}"
    sha256: "{{ psycopg_sha256 }}"
"""

RETURN = r"""
directory:
  description: Where it lies.
  returned: success
  type: path
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.gonogo.driver import install
from ansible.module_utils.gonogo.module import reported


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "directory": {"type": "path", "required": True},
            "archive": {"type": "str", "required": True},
            "sha256": {"type": "str", "required": True},
        },
        supports_check_mode=True,
    )
    directory = Path(module.params["directory"]).expanduser()
    if module.check_mode:
        module.exit_json(changed=not directory.is_dir(), directory=str(directory))
    with reported(module):
        changed = install(
            module.params["archive"], directory=directory, sha256=module.params["sha256"]
        )
    module.exit_json(changed=changed, directory=str(directory))


if __name__ == "__main__":
    main()
