"""Tests of the gateway: real HTTP on a real socket, real Postgres and Valkey."""
