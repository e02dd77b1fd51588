"""Every flow: collect, settle, push, audit. Knows ports and the store, never a platform."""
