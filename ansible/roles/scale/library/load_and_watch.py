#!/usr/bin/python
"""Run a load test, and see meanwhile what the autoscalers do."""

import os
import signal
import subprocess
import tempfile
import time

from ansible.module_utils.basic import AnsibleModule, env_fallback

DOCUMENTATION = r"""
module: load_and_watch
short_description: Run a load test, and see meanwhile what the autoscalers do
description:
  - Runs `webintel load` on this machine and reads the HorizontalPodAutoscalers of a namespace until it ends.
  - It never fails for what it found; it says so, because its arguments hold a secret and are not shown.
options:
  kubeconfig: {description: Who asks. K8S_AUTH_KUBECONFIG without it., type: path}
  namespace: {description: Of the autoscalers., type: str, required: true}
  command: {description: The program and its arguments., type: list, elements: str, required: true}
  api_key: {description: Given to the program in its environment., type: str, required: true}
  seconds: {description: After which the test is ended., type: int, required: true}
  pause: {description: Seconds between two looks., type: float, default: 2}
author: [The Web Intelligence Platform]
"""
RETURN = r"""
code: {description: What the program ended with., type: int, returned: always}
said: {description: What it said., type: str, returned: always}
late: {description: Whether it had to be ended., type: bool, returned: always}
timeline: {description: "Each change: second, name, current, desired.", type: list, elements: dict, returned: always}
rose: {description: Autoscalers that asked for more pods than at first., type: list, elements: str, returned: always}
unseen: {description: Why autoscalers could not be read., type: str, returned: where that is so}
"""
GRACE = 60
"""Seconds to remove what the test has made, and to report, before it is killed."""


class Watch:
    """Reads the autoscalers, and keeps each change."""

    def __init__(self, kubeconfig, namespace):
        from kubernetes import client, config

        self._api = client.AutoscalingV2Api(config.new_client_from_config(config_file=kubeconfig))
        self._namespace = namespace
        self._started = time.monotonic()
        self._last = {}
        self._first = {}
        self.timeline = []
        self.rose = set()
        self.unseen = None

    def look(self):
        """Note what has changed."""
        from kubernetes.client.exceptions import ApiException
        from urllib3.exceptions import HTTPError

        try:
            found = self._api.list_namespaced_horizontal_pod_autoscaler(self._namespace, _request_timeout=10).items
        except (ApiException, HTTPError) as error:
            # One look that fails is no end: what is seen afterwards is still true.
            self.unseen = str(error)[:500]
            return
        self.unseen = None
        for one in found:
            status = one.status
            now = (status.current_replicas or 0, status.desired_replicas or 0) if status else (0, 0)
            name = one.metadata.name
            self._first.setdefault(name, now)
            if now[1] > self._first[name][1]:
                self.rose.add(name)
            if self._last.get(name) != now:
                self._last[name] = now
                second = round(time.monotonic() - self._started)
                self.timeline.append({"second": second, "name": name, "current": now[0], "desired": now[1]})


def main():
    """Run it and tell."""
    module = AnsibleModule(
        argument_spec={
            "kubeconfig": {"type": "path", "fallback": (env_fallback, ["K8S_AUTH_KUBECONFIG"])},
            "namespace": {"type": "str", "required": True},
            "command": {"type": "list", "elements": "str", "required": True},
            "api_key": {"type": "str", "required": True, "no_log": True},
            "seconds": {"type": "int", "required": True},
            "pause": {"type": "float", "default": 2.0},
        },
        supports_check_mode=False,
    )
    asked = module.params
    try:
        watch = Watch(asked["kubeconfig"], asked["namespace"])
    except Exception as error:  # noqa: BLE001 - whatever is wrong with a kubeconfig
        module.exit_json(
            changed=False, code=-1, said=f"The cluster cannot be asked: {error}", late=False, timeline=[], rose=[]
        )
    with tempfile.TemporaryFile() as output:
        try:
            code, late = run(asked, output, watch)
        except OSError as error:
            module.exit_json(changed=False, code=-1, said=f"{error}", late=False, timeline=[], rose=[])
        output.seek(0)
        said = output.read().decode(errors="replace")
    result = {"code": code, "said": said, "late": late, "timeline": watch.timeline, "rose": sorted(watch.rose)}
    if watch.unseen:
        result["unseen"] = watch.unseen
    module.exit_json(changed=True, **result)


def run(asked, output, watch):
    """Run the program to its end; gives its code, and whether it had to be ended."""
    environment = {**os.environ, "WEBINTEL_LOAD_API_KEY": asked["api_key"]}
    watch.look()
    process = subprocess.Popen(  # noqa: S603 - what the operator named
        asked["command"], env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
    )
    end, late = time.monotonic() + asked["seconds"], False
    try:
        while process.poll() is None:
            watch.look()
            if not late and time.monotonic() > end:
                late = True
                process.send_signal(signal.SIGTERM)
            elif late and time.monotonic() > end + GRACE:
                process.kill()
            time.sleep(asked["pause"])
        watch.look()
    finally:
        if process.poll() is None:
            process.terminate()
    return process.wait(), late


if __name__ == "__main__":
    main()
