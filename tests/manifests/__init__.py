"""What knative/ becomes in a cluster, checked without one."""
