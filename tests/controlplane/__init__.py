"""A real control plane for tests: etcd, kube-apiserver, controllers, scheduler, kwok."""
