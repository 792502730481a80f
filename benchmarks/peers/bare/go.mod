module saturday-gate.io/peers/bare

go 1.24.0
