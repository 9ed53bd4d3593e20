package main

func main() { println("the inner mill") }
