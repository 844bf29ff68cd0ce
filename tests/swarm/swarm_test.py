#!/usr/bin/env python3
"""Nine real agents in a real Docker Swarm, found through tasks.<service>, without a Docker socket and without a word from
the agents but their answers: each listed once with its own id and endpoint; a killed one is no longer alive within a
second; its replacement appears; scaling to 12 and to 2 is followed exactly. Then agents that only beacon, by unicast, since
an overlay carries no multicast."""
import os
import signal
import time

from engine import Api, Engine, wait_for

PERIOD = "2s"


def agent_service(engine, name, replicas, *extra):
    engine.docker("service", "create", "--detach", "--name", name, "--network", "fleet", "--endpoint-mode", "dnsrr", "--replicas", str(replicas), "--no-resolve-image",
                  "--restart-delay", "0s", "--stop-grace-period", "3s",
                  "--env", "CHOREGOS_TASK_NAME={{.Task.Name}}", "--env", "CHOREGOS_ENDPOINT=http://{{.Task.Name}}:8080", "--env", "CHOREGOS_CLUSTER_ID=docker-unified-stack",
                  "--env", "CHOREGOS_CAPABILITIES=general_development", "--env", "CHOREGOS_MODEL=llama3.1:8b", *extra, "choregos-test:1", "/bin/choregos-agent")


def alive(agents):
    return {a["id"]: a for a in agents or [] if a["liveness"] == "alive"}


def settled(engine, api, service, count, seconds=40):
    """The list equals the running tasks: same names, count of them, all alive."""
    def same():
        tasks = engine.pids(service)
        listed = alive(api.agents())
        return listed if len(tasks) == count and set(tasks) == set(listed) else None
    return wait_for(f"{count} agents of {service} listed exactly", same, seconds, 0.1)


def main():
    with Engine() as engine:
        engine.import_image("choregos-test:1", "choregos-agent", "choregosd")
        agent_service(engine, "chorus", 9, "--env", "CHOREGOS_HEALTH=0.0.0.0:8081", "--env", "CHOREGOS_BEACON=false")
        wait_for("nine tasks run", lambda: len(engine.pids("chorus")) == 9, 60, 0.2)
        started = time.monotonic()
        engine.docker("run", "-d", "--name", "registry", "--network", "fleet", "choregos-test:1", "/bin/choregosd", "--http", "127.0.0.1:4470", "--memory", "--swarm-service", "chorus",
                      "--probe-period", PERIOD, "--udp", "4471")
        pid = int(engine.docker("inspect", "-f", "{{.State.Pid}}", "registry"))
        api = Api(pid, 4470)
        try:
            listed = settled(engine, api, "chorus", 9)
        except AssertionError:
            print(engine.docker("logs", "registry")[-3000:])
            raise
        print(f"nine true ids {time.monotonic() - started:.2f} s after the registry's container was asked for")

        # Each its own: ids are the Swarm's task names, endpoints distinct, aliases the address that Swarm gave the task.
        addresses = engine.addresses("chorus")
        assert len({a["endpoint"] for a in listed.values()}) == 9, listed
        for name, agent in listed.items():
            assert agent["endpoint"] == f"http://{name}:8080", agent
            assert f"{addresses[name]}:8081" in agent["aliases"], (agent, addresses[name])
            assert agent["model"] == "llama3.1:8b" and agent["cluster_id"] == "docker-unified-stack" and agent["capabilities"] == ["general_development"], agent
            assert agent["task"]["service"] == "chorus" and agent["identity"] == "declared", agent
        assert api.agents("?capability=no_such_thing") == []

        # One killed: noticed within a second, replaced, the replacement listed.
        for _ in range(3):
            tasks = engine.pids("chorus")
            victim = sorted(tasks)[0]
            os.kill(tasks[victim], signal.SIGKILL)
            killed = time.monotonic()
            wait_for("the killed agent is no longer alive", lambda: victim not in alive(api.agents()), 5, 0.005)
            noticed = time.monotonic() - killed
            print(f"kill -9 noticed after {noticed * 1000:.0f} ms")
            assert noticed < 1.0, noticed
            new = wait_for("Swarm starts a replacement", lambda: set(engine.pids("chorus")) - set(tasks), 30, 0.05)
            appeared = time.monotonic()
            wait_for("the replacement is listed", lambda: new <= set(alive(api.agents())), 10, 0.02)
            print(f"replacement listed {time.monotonic() - appeared:.2f} s after it ran")
            assert time.monotonic() - appeared < 4.0
            settled(engine, api, "chorus", 9)

        engine.docker("service", "scale", "--detach", "chorus=12")
        settled(engine, api, "chorus", 12)
        engine.docker("service", "scale", "--detach", "chorus=2")
        settled(engine, api, "chorus", 2)
        gone = [a for a in api.agents() if a["liveness"] != "alive"]
        wait_for("the ten others are left or lost, with reasons", lambda: all(a["liveness"] in ("left", "lost") and a["liveness_reason"] for a in api.agents() if a["id"] not in engine.pids("chorus")),
                 40, 0.2)
        print(f"scaled to 12 and to 2: {len(gone)} were still shown as gone, with reasons")

        # Beacons by unicast: no port is probed, no service is named.
        engine.docker("rm", "-f", "registry")
        engine.docker("service", "rm", "chorus")
        engine.docker("run", "-d", "--name", "listener", "--network", "fleet", "choregos-test:1", "/bin/choregosd", "--http", "127.0.0.1:4470", "--memory", "--udp", "4471",
                      "--accept-unsigned", "any")
        api = Api(int(engine.docker("inspect", "-f", "{{.State.Pid}}", "listener")), 4470)
        wait_for("the listener serves", lambda: api.agents() == [], 20)
        agent_service(engine, "beaconer", 3, "--env", "CHOREGOS_BEACON=true", "--env", "CHOREGOS_BEACON_TO=listener:4471", "--env", "CHOREGOS_MULTICAST=false")
        wait_for("three tasks run", lambda: len(engine.pids("beaconer")) == 3, 60, 0.05)
        ran = time.monotonic()
        settled(engine, api, "beaconer", 3)
        print(f"three beaconing agents found by unicast {time.monotonic() - ran:.2f} s after they ran")
        assert time.monotonic() - ran < 4.0
    print("ok")


main()
