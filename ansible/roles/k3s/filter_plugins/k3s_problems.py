"""What keeps k3s from running on a machine, each as a problem and what mends it."""

# What Kubernetes asks of cgroups v2, without which its kubelet does not start.
OLDEST_KERNEL = (5, 8)
CONTROLLERS = ("cpu", "memory", "pids")


def k3s_problems(facts, controllers, architectures):
    """The problems of a machine with these facts and the control groups that the text names."""
    return [problem for judge in JUDGES if (problem := judge(facts, controllers.split(), architectures))]


def architecture(facts, _, known):
    """There is a binary for it."""
    found = facts.get("architecture", "unknown")
    if found in known:
        return ""
    return f"its architecture is {found}, and k3s is released for {', '.join(known)}. Take another machine."


def service_manager(facts, *_):
    """Something starts it, and starts it again."""
    found = facts.get("service_mgr", "unknown")
    if found == "systemd":
        return ""
    return (
        f"its services are run by {found}, and k3s is a service of systemd. Take a machine (no container) with systemd."
    )


def kernel(facts, *_):
    """It is new enough for cgroups v2."""
    found = facts.get("kernel", "0")
    release = tuple(int(part) if part.isdigit() else 0 for part in found.split("-")[0].split(".")[:2])
    if release >= OLDEST_KERNEL:
        return ""
    return f"its kernel is {found}, and Kubernetes asks for {'.'.join(map(str, OLDEST_KERNEL))}. Upgrade the system."


def control_groups(_, controllers, *__):
    """Memory and processors can be limited; some boards have the memory group switched off."""
    if not controllers:
        return (
            "it has no control groups v2. Boot with systemd.unified_cgroup_hierarchy=1 on the kernel's command line, "
            "or take a newer system."
        )
    missing = [one for one in CONTROLLERS if one not in controllers]
    if not missing:
        return ""
    return (
        f"its control groups lack {', '.join(missing)}. Put cgroup_enable={' cgroup_enable='.join(missing)} on the "
        "kernel's command line (Raspberry Pi: /boot/firmware/cmdline.txt), and restart it."
    )


JUDGES = (architecture, service_manager, kernel, control_groups)


class FilterModule:
    """For Ansible."""

    def filters(self):
        """The filter `k3s_problems`."""
        return {"k3s_problems": k3s_problems}
