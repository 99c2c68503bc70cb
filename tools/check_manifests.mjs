// Asks npm's packages about a rendered manifest, for tools/check_manifests --external:
// @monokle/validation and @monokle/parser (Pod Security Standards, practices), @kubernetes-models/* (the fields of
// cert-manager's, External Secrets' and the Prometheus operator's objects).
//
//   node tools/check_manifests.mjs FOLDER_WITH_NODE_MODULES FILE
//
// Prints {"findings": [[rule, object, sentence]], "skipped": [package]} as JSON.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, path] = process.argv.slice(2);
const modules = resolve(folder, "node_modules");
const load = (file) => import(pathToFileURL(`${modules}/${file}`).href);
const findings = [];
const skipped = [];

const MODELS = {
  "cert-manager.io": "@kubernetes-models/cert-manager",
  "external-secrets.io": "@kubernetes-models/external-secrets",
  "monitoring.coreos.com": "@kubernetes-models/prometheus-operator",
};

async function models(objects) {
  for (const object of objects) {
    const [group] = object.apiVersion.split("/");
    const name = MODELS[group];
    if (name === undefined) continue;
    if (!existsSync(`${modules}/${name}`)) {
      if (!skipped.includes(name)) skipped.push(name);
      continue;
    }
    const require = createRequire(`${modules}/x.js`);
    const Model = require(`${modules}/${name}/${object.apiVersion}/${object.kind}.js`)[object.kind];
    try {
      new Model(object).validate();
    } catch (error) {
      findings.push(["kubernetes-models", `${object.kind}/${object.metadata.name}`, error.message]);
    }
  }
}

async function monokle(text) {
  if (!existsSync(`${modules}/@monokle/validation`) || !existsSync(`${modules}/@monokle/parser`)) {
    skipped.push("@monokle/validation, @monokle/parser");
    return;
  }
  const { createDefaultMonokleValidator } = await load("@monokle/validation/lib/node.js");
  const { extractK8sResources } = await load("@monokle/parser/lib/index.js");
  // The others of its plugins fetch schemas and policies from the network.
  const plugins = {
    "pod-security-standards": true, "practices": true, "yaml-syntax": true,
    "kubernetes-schema": false, "resource-links": false, "open-policy-agent": false, "metadata": false,
  };
  const validator = createDefaultMonokleValidator();
  await validator.preload({ plugins });
  const rules = {};  // the restricted ones are off by default
  for (const plugin of validator.getPlugins()) {
    const name = plugin.metadata?.name ?? plugin.name;
    if (plugins[name]) for (const rule of plugin.rules) rules[`${name}/${rule.name}`] = "err";
  }
  await validator.preload({ plugins, rules });
  const resources = extractK8sResources([{ id: "f", path: "rendered.yaml", content: text }]);
  const { runs } = await validator.validate({ resources });
  for (const run of runs) {
    for (const result of run.results) {
      const where = result.locations?.at(-1)?.logicalLocations?.[0]?.fullyQualifiedName ?? "";
      const found = resources.find((r) => where.startsWith(`${r.name}.ipt.${r.kind.toLowerCase()}@`));
      findings.push(["monokle", found ? `${found.kind}/${found.name}` : where, `${result.ruleId}: ${result.message.text}`]);
    }
  }
}

const text = readFileSync(path, "utf8");
const yaml = existsSync(`${modules}/js-yaml`) ? createRequire(`${modules}/x.js`)("js-yaml") : undefined;
if (yaml === undefined) {
  skipped.push("js-yaml, and with it @kubernetes-models");
} else {
  await models(yaml.loadAll(text).filter((object) => object));
}
await monokle(text);
console.log(JSON.stringify({ findings, skipped }));
