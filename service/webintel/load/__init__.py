"""The load tester: scenarios in, what was measured out. It knows the API only from outside, over HTTP."""
