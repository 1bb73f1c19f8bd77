#!/usr/bin/python
"""Look which names have an address."""

import socket
import threading

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: names_resolve
short_description: Look which names have an address, as this machine resolves them
description: [It changes nothing.]
options:
  names: {description: The names., type: list, elements: str, required: true}
  timeout: {description: Seconds for all of them., type: float, default: 5}
author: [The Web Intelligence Platform]
"""
RETURN = r"""
unresolved: {description: Those without one., type: list, returned: always}
"""


def main():
    """Resolve all at once; a resolver that does not answer keeps nobody."""
    module = AnsibleModule(
        argument_spec={
            "names": {"type": "list", "elements": "str", "required": True},
            "timeout": {"type": "float", "default": 5.0},
        },
        supports_check_mode=True,
    )
    resolved = set()

    def resolve(name):
        try:
            socket.getaddrinfo(name, 443, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return
        resolved.add(name)

    names = module.params["names"]
    threads = [threading.Thread(target=resolve, args=(name,), daemon=True) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(module.params["timeout"] / max(len(threads), 1))
    module.exit_json(changed=False, unresolved=[name for name in names if name not in resolved])


if __name__ == "__main__":
    main()
