"""Load runs: one scenario thousands of times, measured without lying about the generator."""
