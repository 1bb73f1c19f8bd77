#!/usr/bin/python
"""Ask a Service of the cluster something over HTTP, by way of the API server."""

import json

from ansible.module_utils.basic import AnsibleModule, env_fallback

DOCUMENTATION = r"""
module: service_query
short_description: Ask a Service of the cluster something over HTTP, by way of the API server
description:
  - GET only, so it changes nothing. The Service need not be reachable from here; the API server passes the call on.
options:
  kubeconfig: {description: Who asks. K8S_AUTH_KUBECONFIG without it., type: path}
  namespace: {description: Of the Service., type: str, required: true}
  service: {description: "The Service and its port: name:port.", type: str, required: true}
  path: {description: What is asked for., type: str, required: true}
  query: {description: The parameters., type: dict, default: {}}
  timeout: {description: Seconds., type: int, default: 20}
author: [The Web Intelligence Platform]
"""
RETURN = r"""
status: {description: "The HTTP status, 0 where nobody answers.", type: int, returned: always}
json: {description: The answer as JSON., type: dict, returned: where it is JSON}
reason: {description: What was said instead of JSON., type: str, returned: where there is none}
"""


def main():
    """Ask, and give what was answered; that nobody answers is an answer too."""
    module = AnsibleModule(
        argument_spec={
            "kubeconfig": {"type": "path", "fallback": (env_fallback, ["K8S_AUTH_KUBECONFIG"])},
            "namespace": {"type": "str", "required": True},
            "service": {"type": "str", "required": True},
            "path": {"type": "str", "required": True},
            "query": {"type": "dict", "default": {}},
            "timeout": {"type": "int", "default": 20},
        },
        supports_check_mode=True,
    )
    try:
        from kubernetes import config
        from urllib3.exceptions import HTTPError
    except ImportError as error:
        module.fail_json(msg=f"the Python package kubernetes is missing: {error}")
    asked = module.params
    place = f"/api/v1/namespaces/{asked['namespace']}/services/{asked['service']}/proxy/{asked['path'].lstrip('/')}"
    try:
        api = config.new_client_from_config(config_file=asked["kubeconfig"])
        request = api.param_serialize(
            "GET", place, query_params=list(asked["query"].items()), auth_settings=["BearerToken"]
        )
        answer = api.call_api(*request, _request_timeout=asked["timeout"])
        body = answer.read()
    except (HTTPError, config.ConfigException, OSError) as error:
        module.exit_json(changed=False, status=0, reason=str(error)[:500])
    try:
        module.exit_json(changed=False, status=answer.status, json=json.loads(body))
    except ValueError:
        module.exit_json(changed=False, status=answer.status, reason=body[:500].decode(errors="replace"))


if __name__ == "__main__":
    main()
