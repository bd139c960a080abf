"""The rules and dashboards of infra/observability are where Prometheus and Grafana look for them."""

import json

import yaml

from render import ROOT

FOLDER = ROOT / "infra/observability"


def mounted(cluster, workload: str, path: str) -> dict:
    """What a pod has at a path: files and their text."""
    pod = next(w.pod for w in cluster.workloads if w.name == workload)
    mount = next(m for c in pod["containers"] for m in c["volumeMounts"] if m["mountPath"] == path)
    volume = next(v for v in pod["volumes"] if v["name"] == mount["name"])
    data = cluster.named("ConfigMap", volume["configMap"]["name"])["data"]
    return {mount["subPath"]: data[mount["subPath"]]} if "subPath" in mount else data


def test_every_rule_is_mounted(cluster):
    assert mounted(cluster, "prometheus", "/etc/prometheus/rules") == {
        file.name: file.read_text() for file in FOLDER.glob("rules/*.yml")
    }
    config = yaml.safe_load(mounted(cluster, "prometheus", "/etc/prometheus/prometheus.yml")["prometheus.yml"])
    assert config["rule_files"] == ["/etc/prometheus/rules/*.yml"]


def test_every_dashboard_is_mounted(cluster):
    provider = mounted(cluster, "grafana", "/etc/grafana/provisioning/dashboards/social-network.yml")
    path = yaml.safe_load(provider["dashboards.yml"])["providers"][0]["options"]["path"]
    dashboards = mounted(cluster, "grafana", path)
    assert set(dashboards) == {file.name for file in FOLDER.glob("dashboards/*.json")}
    source = mounted(cluster, "grafana", "/etc/grafana/provisioning/datasources/prometheus.yml")["datasource.yml"]
    uid = yaml.safe_load(source)["datasources"][0]["uid"]
    for text in dashboards.values():
        assert f'"uid": "{uid}"' in text and json.loads(text)["panels"]


def test_alerts_of_the_worker_find_their_job(cluster):
    config = yaml.safe_load(mounted(cluster, "prometheus", "/etc/prometheus/prometheus.yml")["prometheus.yml"])
    assert "worker" in [job["job_name"] for job in config["scrape_configs"]]
    assert 'up{job="worker"}' in (FOLDER / "rules/alerts.yml").read_text()
