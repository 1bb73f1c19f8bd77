"""What every test shares: no setting of the developer's own reaches a test."""

import os

for name in [name for name in os.environ if name.startswith("WEBINTEL_") and not name.startswith("WEBINTEL_TEST_")]:
    del os.environ[name]
