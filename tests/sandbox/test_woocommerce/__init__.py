"""Tests of the WooCommerce stand-in."""
