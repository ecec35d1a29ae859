module example.com/minikube

go 1.19
