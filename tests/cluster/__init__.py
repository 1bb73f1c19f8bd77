"""On a real control plane, whose programs end with this folder's tests."""
