package main

func main() { println("the outer mill") }
