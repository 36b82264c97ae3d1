"""Pages of `deidrelease.report/1`. Once a bundle with one was released, nothing here may change its bytes."""
