CREATE SCHEMA tidewheel_asset;
CREATE TABLE tidewheel_asset.agreed (
    name text NOT NULL,
    value text NOT NULL
);
CREATE TABLE tidewheel_asset.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE tidewheel_asset.alerts (
    seq bigint NOT NULL,
    service text NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    message text NOT NULL,
    detail text NOT NULL,
    opened bigint NOT NULL,
    seen bigint NOT NULL,
    times integer NOT NULL,
    closed bigint
);
CREATE SEQUENCE tidewheel_asset.alerts_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE tidewheel_asset.alerts_seq_seq OWNED BY tidewheel_asset.alerts.seq;
CREATE TABLE tidewheel_asset.approvals (
    seq bigint NOT NULL,
    version text NOT NULL,
    gate text NOT NULL,
    run text NOT NULL,
    approvers text NOT NULL,
    detail text NOT NULL,
    evidence text NOT NULL,
    asked bigint NOT NULL,
    expires bigint NOT NULL,
    answer text NOT NULL,
    answered bigint,
    who text NOT NULL,
    note text NOT NULL
);
CREATE SEQUENCE tidewheel_asset.approvals_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE tidewheel_asset.approvals_seq_seq OWNED BY tidewheel_asset.approvals.seq;
CREATE TABLE tidewheel_asset.counters (
    topic text NOT NULL,
    value bigint NOT NULL
);
CREATE TABLE tidewheel_asset.datasets (
    digest text NOT NULL,
    model text NOT NULL,
    view text NOT NULL,
    rows bigint NOT NULL,
    as_of bigint NOT NULL,
    detail text NOT NULL,
    created bigint NOT NULL,
    manifest text DEFAULT ''::text NOT NULL
);
CREATE TABLE tidewheel_asset.deleted_versions (
    model text NOT NULL,
    number integer NOT NULL,
    why text NOT NULL,
    at bigint NOT NULL,
    who text NOT NULL
);
CREATE TABLE tidewheel_asset.deployment_history (
    seq bigint NOT NULL,
    service text NOT NULL,
    revision bigint NOT NULL,
    action text NOT NULL,
    before text NOT NULL,
    after text NOT NULL,
    at bigint NOT NULL,
    cause text NOT NULL,
    who text NOT NULL
);
CREATE SEQUENCE tidewheel_asset.deployment_history_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE tidewheel_asset.deployment_history_seq_seq OWNED BY tidewheel_asset.deployment_history.seq;
CREATE TABLE tidewheel_asset.deployments (
    service text NOT NULL,
    revision bigint NOT NULL,
    service_version text NOT NULL,
    champion text NOT NULL,
    previous text NOT NULL,
    previous_service_version text NOT NULL,
    challenger text NOT NULL,
    challenger_service_version text NOT NULL,
    share double precision NOT NULL,
    mode text NOT NULL,
    salt text NOT NULL,
    killed boolean NOT NULL,
    since bigint NOT NULL,
    cause text NOT NULL,
    who text NOT NULL
);
CREATE TABLE tidewheel_asset.environment_history (
    seq bigint NOT NULL,
    model text NOT NULL,
    environment text NOT NULL,
    revision bigint NOT NULL,
    before integer,
    after integer,
    at bigint NOT NULL,
    why text NOT NULL,
    who text NOT NULL
);
CREATE SEQUENCE tidewheel_asset.environment_history_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE tidewheel_asset.environment_history_seq_seq OWNED BY tidewheel_asset.environment_history.seq;
CREATE TABLE tidewheel_asset.environments (
    model text NOT NULL,
    environment text NOT NULL,
    number integer NOT NULL,
    revision bigint NOT NULL,
    since bigint NOT NULL,
    why text NOT NULL,
    who text NOT NULL
);
CREATE TABLE tidewheel_asset.graphs (
    digest text NOT NULL,
    graph text NOT NULL,
    created bigint NOT NULL
);
CREATE TABLE tidewheel_asset.groups (
    state_id text NOT NULL,
    name text NOT NULL,
    graph text NOT NULL,
    status text NOT NULL,
    since bigint NOT NULL
);
CREATE TABLE tidewheel_asset.hosts (
    name text NOT NULL,
    workers text NOT NULL,
    until bigint NOT NULL
);
CREATE TABLE tidewheel_asset.job_runs (
    job text NOT NULL,
    due bigint NOT NULL,
    status text NOT NULL,
    attempt integer NOT NULL,
    holder text NOT NULL,
    claimed bigint NOT NULL,
    finished bigint,
    detail text NOT NULL,
    cause text DEFAULT ''::text NOT NULL
);
CREATE TABLE tidewheel_asset.jobs (
    name text NOT NULL,
    schedule text NOT NULL,
    since bigint NOT NULL
);
CREATE TABLE tidewheel_asset.leases (
    name text NOT NULL,
    holder text NOT NULL,
    token bigint NOT NULL,
    until bigint NOT NULL
);
CREATE TABLE tidewheel_asset.live_graphs (
    revision bigint NOT NULL,
    digest text NOT NULL,
    since bigint NOT NULL,
    who text NOT NULL
);
CREATE TABLE tidewheel_asset.notes (
    seq bigint NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    body text NOT NULL,
    at bigint NOT NULL,
    sent bigint
);
CREATE SEQUENCE tidewheel_asset.notes_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE tidewheel_asset.notes_seq_seq OWNED BY tidewheel_asset.notes.seq;
CREATE TABLE tidewheel_asset.run_metrics (
    run text NOT NULL,
    split text NOT NULL,
    metric text NOT NULL,
    value double precision,
    low double precision,
    high double precision
);
CREATE TABLE tidewheel_asset.run_steps (
    run text NOT NULL,
    seq integer NOT NULL,
    step text NOT NULL,
    at bigint NOT NULL,
    seconds double precision NOT NULL,
    detail text NOT NULL,
    key text DEFAULT ''::text NOT NULL,
    output text DEFAULT ''::text NOT NULL,
    reused text DEFAULT ''::text NOT NULL,
    status text DEFAULT 'done'::text NOT NULL,
    attempts integer DEFAULT 1 NOT NULL
);
CREATE TABLE tidewheel_asset.runs (
    id text NOT NULL,
    model text NOT NULL,
    status text NOT NULL,
    started bigint NOT NULL,
    finished bigint,
    cause text NOT NULL,
    who text NOT NULL,
    rerun_of text NOT NULL,
    parameters text NOT NULL,
    lineage text NOT NULL,
    gates text NOT NULL,
    artifacts text NOT NULL,
    error text NOT NULL,
    key text DEFAULT ''::text NOT NULL,
    process text DEFAULT ''::text NOT NULL,
    seen bigint
);
CREATE TABLE tidewheel_asset.service_versions (
    digest text NOT NULL,
    service text NOT NULL,
    definition text NOT NULL,
    graph text NOT NULL,
    created bigint NOT NULL
);
CREATE TABLE tidewheel_asset.thresholds (
    service text NOT NULL,
    version integer NOT NULL,
    levels text NOT NULL,
    at bigint NOT NULL,
    cause text NOT NULL,
    who text NOT NULL
);
CREATE TABLE tidewheel_asset.tokens (
    name text NOT NULL,
    scopes text NOT NULL,
    digest text NOT NULL,
    previous text NOT NULL,
    previous_until bigint,
    rate double precision NOT NULL,
    created bigint NOT NULL,
    expires bigint,
    revoked bigint,
    who text NOT NULL
);
CREATE TABLE tidewheel_asset.trials (
    run text NOT NULL,
    number integer NOT NULL,
    search text NOT NULL,
    state text NOT NULL,
    parameters text NOT NULL,
    steps text NOT NULL,
    error text NOT NULL,
    value double precision,
    seconds double precision NOT NULL,
    at bigint NOT NULL
);
CREATE TABLE tidewheel_asset.version_notes (
    seq bigint NOT NULL,
    model text NOT NULL,
    number integer NOT NULL,
    text text NOT NULL,
    at bigint NOT NULL,
    who text NOT NULL
);
CREATE SEQUENCE tidewheel_asset.version_notes_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE tidewheel_asset.version_notes_seq_seq OWNED BY tidewheel_asset.version_notes.seq;
CREATE TABLE tidewheel_asset.version_tags (
    model text NOT NULL,
    number integer NOT NULL,
    tag text NOT NULL,
    value text NOT NULL,
    at bigint NOT NULL,
    who text NOT NULL
);
CREATE TABLE tidewheel_asset.versions (
    model text NOT NULL,
    number integer NOT NULL,
    run text NOT NULL,
    bundle text NOT NULL,
    view text NOT NULL,
    definition text NOT NULL,
    metrics text NOT NULL,
    gates text NOT NULL,
    who text NOT NULL,
    created bigint NOT NULL
);
ALTER TABLE ONLY tidewheel_asset.alerts ALTER COLUMN seq SET DEFAULT nextval('tidewheel_asset.alerts_seq_seq'::regclass);
ALTER TABLE ONLY tidewheel_asset.approvals ALTER COLUMN seq SET DEFAULT nextval('tidewheel_asset.approvals_seq_seq'::regclass);
ALTER TABLE ONLY tidewheel_asset.deployment_history ALTER COLUMN seq SET DEFAULT nextval('tidewheel_asset.deployment_history_seq_seq'::regclass);
ALTER TABLE ONLY tidewheel_asset.environment_history ALTER COLUMN seq SET DEFAULT nextval('tidewheel_asset.environment_history_seq_seq'::regclass);
ALTER TABLE ONLY tidewheel_asset.notes ALTER COLUMN seq SET DEFAULT nextval('tidewheel_asset.notes_seq_seq'::regclass);
ALTER TABLE ONLY tidewheel_asset.version_notes ALTER COLUMN seq SET DEFAULT nextval('tidewheel_asset.version_notes_seq_seq'::regclass);
INSERT INTO tidewheel_asset.alembic_version VALUES ('0005');
INSERT INTO tidewheel_asset.approvals VALUES (1, 'SentBack@1', 'ask(head@shop)', '01M82HXX1BV49VQQ', '["head@shop"]', 'average_precision 0.2837, roc_auc 0.6357 on 141 test rows, the first to be deployed', '{"average_precision":[0.28369387444553745,0.17398810212196963,0.4509077560758463],"roc_auc":[0.6357458912768648,0.5087283749166579,0.7459772372179219]}', 1795382261787627, 1795987061787627, 'approved', 1795382305520430, 'head@shop', 'seen');
INSERT INTO tidewheel_asset.approvals VALUES (2, 'SentBack@2', 'ask(head@shop)', '01M82HYJJ2TDAXPB', '["head@shop"]', 'average_precision 0.2985, roc_auc 0.6501 on 141 test rows, the first to be deployed', '{"average_precision":[0.29849210759296263,0.20634578768996356,0.48314509109768494],"roc_auc":[0.650126422250316,0.5622998057362464,0.7557748538011696]}', 1795382294746006, 1795987094746006, 'approved', 1795382305616799, 'head@shop', '');
INSERT INTO tidewheel_asset.approvals VALUES (3, 'SentBack@3', 'ask(head@shop)', '01M82HZJY4YEGVFM', '["head@shop"]', 'average_precision 0.271, roc_auc 0.6425 on 141 test rows, the first to be deployed', '{"average_precision":[0.2710254130874063,0.1876611357149997,0.41799994575609506],"roc_auc":[0.6425410872313527,0.5435406781117988,0.725126843966767]}', 1795382303574262, 1795987103574262, 'rejected', 1795382305833997, 'head@shop', 'odd');
INSERT INTO tidewheel_asset.counters VALUES ('pointers', 5);
INSERT INTO tidewheel_asset.counters VALUES ('tokens', 4);
INSERT INTO tidewheel_asset.datasets VALUES ('467eaea5485b7f6f071bc20183f42c85c97dbc5f390a864c12900ee0ba350f74', 'SentBack', '7c077b5736fe9e83', 774, 1795382243707709, '{"columns":["amount","category","customer.orders_30d","customer.spent_30d","customer.mean_90d","customer.returns_90d","customer.idle","over_mean"],"counts":{"decided":0,"gap":68,"immature":58,"labelled":842,"rows":900,"test":141,"train":633},"log_head":1053,"tables":{"Customer":-1,"Order":0,"Return":0}}', 1795382261603059, 'c1a5402acc578a513e8528f64651558bf42fa2f6999a6b5c48284de40dc6d5a9');
INSERT INTO tidewheel_asset.deleted_versions VALUES ('SentBack', 3, 'rejected', 1795382306724729, 'ana');
INSERT INTO tidewheel_asset.deployment_history VALUES (1, 'Screen', 1, 'deploy', 'null', '{"service":"Screen","revision":1,"service_version":"d190e6519906444c","champion":"SentBack@1","previous":"","previous_service_version":"","challenger":"","challenger_service_version":"","share":0.0,"mode":"none","salt":"","killed":false,"since":1795382307885786,"cause":"first","who":"ana"}', 1795382307885786, 'first', 'ana');
INSERT INTO tidewheel_asset.deployment_history VALUES (2, 'Screen', 2, 'canary', '{"service":"Screen","revision":1,"service_version":"d190e6519906444c","champion":"SentBack@1","previous":"","previous_service_version":"","challenger":"","challenger_service_version":"","share":0.0,"mode":"none","salt":"","killed":false,"since":1795382307885786,"cause":"first","who":"ana"}', '{"service":"Screen","revision":2,"service_version":"d190e6519906444c","champion":"SentBack@1","previous":"","previous_service_version":"","challenger":"SentBack@2","challenger_service_version":"d190e6519906444c","share":0.1,"mode":"canary","salt":"SentBack@2/2","killed":false,"since":1795382308690454,"cause":"weekly","who":"ana"}', 1795382308690454, 'weekly', 'ana');
INSERT INTO tidewheel_asset.deployments VALUES ('Screen', 2, 'd190e6519906444c', 'SentBack@1', '', '', 'SentBack@2', 'd190e6519906444c', 0.1, 'canary', 'SentBack@2/2', false, 1795382308690454, 'weekly', 'ana');
INSERT INTO tidewheel_asset.environment_history VALUES (1, 'SentBack', 'production', 1, NULL, 1, 1795382306113630, 'first', 'ana');
INSERT INTO tidewheel_asset.environment_history VALUES (2, 'SentBack', 'staging', 1, NULL, 2, 1795382306245586, '', 'ana');
INSERT INTO tidewheel_asset.environments VALUES ('SentBack', 'production', 1, 1, 1795382306113630, 'first', 'ana');
INSERT INTO tidewheel_asset.environments VALUES ('SentBack', 'staging', 2, 1, 1795382306245586, '', 'ana');
INSERT INTO tidewheel_asset.graphs VALUES ('b8e10000dd8afc97', '{"groups":[{"by":["Customer"],"doc":"What a customer did before. Computed once; the same in training, streaming and serving.","features":[{"name":"orders_30d","type":"FeatureColumn","value":{"hop":86400000000,"keys":[["customer"]],"op":"count","q":0.0,"source":"Order","type":"Aggregate","window":2592000000000}},{"name":"spent_30d","type":"FeatureColumn","value":{"hop":86400000000,"keys":[["customer"]],"op":"sum","q":0.0,"source":"Order","type":"Aggregate","value":{"path":["amount"],"type":"Col"},"window":2592000000000}},{"name":"mean_90d","type":"FeatureColumn","value":{"hop":432000000000,"keys":[["customer"]],"op":"mean","q":0.0,"source":"Order","type":"Aggregate","value":{"path":["amount"],"type":"Col"},"window":7776000000000}},{"name":"returns_90d","type":"FeatureColumn","value":{"hop":432000000000,"keys":[["order","customer"]],"op":"count","q":0.0,"source":"Return","type":"Aggregate","window":7776000000000}},{"name":"idle","type":"FeatureColumn","value":{"keys":[["customer"]],"op":"time_since_last","q":0.0,"source":"Order","type":"Aggregate"}}],"file":"project.py","line":40,"name":"CustomerHistory","type":"Group"}],"models":[{"doc":"The order is returned within two weeks.","estimator":"lightgbm.sklearn.LGBMClassifier(boosting_type=''gbdt'', class_weight=None, colsample_bytree=1.0, importance_type=''split'', learning_rate=0.1, max_depth=-1, min_child_samples=20, min_child_weight=0.001, min_split_gain=0.0, n_estimators=5, n_jobs=None, num_leaves=7, objective=None, random_state=None, reg_alpha=0.0, reg_lambda=0.0, subsample=1.0, subsample_for_bin=200000, subsample_freq=0, verbose=-1)","file":"project.py","gates":[{"kind":"at_least","metric":"roc_auc","type":"Gate","value":0.5},{"approvers":["head@shop"],"expires":604800000000,"kind":"ask","type":"Gate"}],"label":{"kind":"happened","path":["order"],"source":"Return","type":"Label","within":1209600000000},"line":59,"metrics":["average_precision","roc_auc"],"name":"SentBack","retrain":{"canary":0.1,"every":"weekly","margin":0.0,"metric":"average_precision","on_drift":0.0,"type":"Retrain","watch":604800000000},"search":"{\"learning_rate\":{\"high\":0.3,\"kind\":\"log\",\"low\":0.05}}","split":{"gap":1209600000000,"test":2592000000000,"type":"Split"},"trials":2,"type":"Model","view":"OrderView"}],"services":[{"deadline":20000,"doc":"Post an order, get ship / check.","explore":0.0,"fallback":[{"kind":"previous","model":"SentBack","type":"Fallback"},{"action":"ship","kind":"action","type":"Fallback"}],"file":"project.py","keep_rows":1.0,"line":73,"model":"SentBack","name":"Screen","on":"Order","rule_view":null,"rules":[],"thresholds":[["ship",0.0],["check",0.5]],"type":"Service"}],"sources":[{"columns":[{"kind":"id","name":"id","type":"Column"}],"entity":true,"file":"project.py","line":20,"name":"Customer","type":"Source"},{"columns":[{"kind":"id","name":"id","type":"Column"},{"kind":"ref","name":"customer","target":"Customer","type":"Column"},{"kind":"category","name":"category","type":"Column"},{"kind":"float","name":"amount","type":"Column"}],"doc":"An order, as the shop took it.","file":"project.py","line":24,"name":"Order","type":"Source"},{"columns":[{"kind":"id","name":"id","type":"Column"},{"kind":"ref","name":"order","target":"Order","type":"Column"}],"doc":"The customer sent an order back; comes days later.","file":"project.py","line":33,"name":"Return","type":"Source"}],"type":"Graph","views":[{"columns":[{"name":"amount","type":"ViewColumn","value":{"path":["amount"],"type":"Col"}},{"name":"category","text":true,"type":"ViewColumn","value":{"path":["category"],"type":"Col"}},{"name":"customer.orders_30d","type":"ViewColumn","value":{"alias":"customer","name":"orders_30d","type":"Feature"}},{"name":"customer.spent_30d","type":"ViewColumn","value":{"alias":"customer","name":"spent_30d","type":"Feature"}},{"name":"customer.mean_90d","type":"ViewColumn","value":{"alias":"customer","name":"mean_90d","type":"Feature"}},{"name":"customer.returns_90d","type":"ViewColumn","value":{"alias":"customer","name":"returns_90d","type":"Feature"}},{"name":"customer.idle","type":"ViewColumn","value":{"alias":"customer","name":"idle","type":"Feature"}},{"name":"over_mean","type":"ViewColumn","value":{"args":[{"path":["amount"],"type":"Col"},{"alias":"customer","name":"mean_90d","type":"Feature"}],"op":"div","type":"Call"}}],"doc":"What the model sees of one order.","file":"project.py","line":50,"lookups":[{"alias":"customer","group":"CustomerHistory","keys":[["customer"]],"type":"Lookup"}],"name":"OrderView","on":"Order","type":"View"}]}', 1795382232735539);
INSERT INTO tidewheel_asset.groups VALUES ('ff606852c5748734', 'CustomerHistory', 'b8e10000dd8afc97', 'live', 1795382232914913);
INSERT INTO tidewheel_asset.jobs VALUES ('parity Screen', '{"every":"interval","at":"00:00","tz":"UTC","weekday":0,"day":1,"interval":3600000000,"cron":"","missed":"latest"}', 1795382310131045);
INSERT INTO tidewheel_asset.jobs VALUES ('rollout Screen', '{"every":"interval","at":"00:00","tz":"UTC","weekday":0,"day":1,"interval":60000000,"cron":"","missed":"latest"}', 1795382310161811);
INSERT INTO tidewheel_asset.jobs VALUES ('drift Screen', '{"every":"interval","at":"00:00","tz":"UTC","weekday":0,"day":1,"interval":172800000000,"cron":"","missed":"latest"}', 1795382310191811);
INSERT INTO tidewheel_asset.jobs VALUES ('canary Screen', '{"every":"daily","at":"00:00","tz":"UTC","weekday":0,"day":1,"interval":0,"cron":"","missed":"latest"}', 1795382310245902);
INSERT INTO tidewheel_asset.jobs VALUES ('tidy', '{"every":"daily","at":"00:00","tz":"UTC","weekday":0,"day":1,"interval":0,"cron":"","missed":"latest"}', 1795382310273861);
INSERT INTO tidewheel_asset.jobs VALUES ('retrain SentBack', '{"every":"weekly","at":"00:00","tz":"UTC","weekday":0,"day":1,"interval":0,"cron":"","missed":"latest"}', 1795382310301844);
INSERT INTO tidewheel_asset.jobs VALUES ('upkeep of the lake', '{"every":"daily","at":"03:00","tz":"UTC","weekday":0,"day":1,"interval":0,"cron":"","missed":"latest"}', 1795382310341863);
INSERT INTO tidewheel_asset.leases VALUES ('flush', 'vm, pid 23702', 1, 0);
INSERT INTO tidewheel_asset.leases VALUES ('keeper', 'vm, pid 23702', 1, 0);
INSERT INTO tidewheel_asset.live_graphs VALUES (1, 'b8e10000dd8afc97', 1795382232745823, 'ana');
INSERT INTO tidewheel_asset.notes VALUES (1, 'definitions.live', 'b8e10000dd8afc97', '{"revision":1,"who":"ana"}', 1795382232745823, 1795382310435282);
INSERT INTO tidewheel_asset.notes VALUES (2, 'run.done', 'SentBack', '{"error":"","run":"01M82HXX1BV49VQQ"}', 1795382261787627, 1795382310435282);
INSERT INTO tidewheel_asset.notes VALUES (3, 'approval.asked', 'SentBack@1', '{"approvers":["head@shop"],"expires":1795987061787627,"gate":"ask(head@shop)"}', 1795382261787627, 1795382310435282);
INSERT INTO tidewheel_asset.notes VALUES (4, 'version.registered', 'SentBack', '{"bundle":"2597d7732db34c6802d16a3be1795a448228b1c4e6b91477fc02f9c1804fcec5","passed":false,"run":"01M82HXX1BV49VQQ","version":"SentBack@1","who":"ana"}', 1795382261787627, 1795382310435282);
INSERT INTO tidewheel_asset.notes VALUES (5, 'run.done', 'SentBack', '{"error":"","run":"01M82HYJJ2TDAXPB"}', 1795382294746006, 1795382310435282);
INSERT INTO tidewheel_asset.notes VALUES (6, 'approval.asked', 'SentBack@2', '{"approvers":["head@shop"],"expires":1795987094746006,"gate":"ask(head@shop)"}', 1795382294746006, 1795382310435282);
INSERT INTO tidewheel_asset.notes VALUES (7, 'version.registered', 'SentBack', '{"bundle":"13261f937c43f563aa4c55c9eb9a981a5413e03c74d15582a84affd9fdbf2697","passed":false,"run":"01M82HYJJ2TDAXPB","version":"SentBack@2","who":"ana"}', 1795382294746006, 1795382310435282);
INSERT INTO tidewheel_asset.notes VALUES (8, 'run.done', 'SentBack', '{"error":"","run":"01M82HZJY4YEGVFM"}', 1795382303574262, 1795382310435282);
INSERT INTO tidewheel_asset.notes VALUES (9, 'approval.asked', 'SentBack@3', '{"approvers":["head@shop"],"expires":1795987103574262,"gate":"ask(head@shop)"}', 1795382303574262, 1795382310435282);
INSERT INTO tidewheel_asset.notes VALUES (10, 'version.registered', 'SentBack', '{"bundle":"aaac54983c2b511f14a0e3fa873f0bbb708c7d815d5540dd5000292457ea84a9","passed":false,"run":"01M82HZJY4YEGVFM","version":"SentBack@3","who":"ana"}', 1795382303574262, 1795382310435282);
INSERT INTO tidewheel_asset.notes VALUES (11, 'run.failed', 'SentBack', '{"error":"data: SentBack: none of 0 Order rows can be trained on: there are none","run":"01M82HZQBHQHTZX5"}', 1795382305305818, 1795382310435282);
INSERT INTO tidewheel_asset.notes VALUES (12, 'approval.approved', 'SentBack@1', '{"gate":"ask(head@shop)","note":"seen","who":"head@shop"}', 1795382305520430, 1795382310435282);
INSERT INTO tidewheel_asset.notes VALUES (13, 'approval.approved', 'SentBack@2', '{"gate":"ask(head@shop)","note":"","who":"head@shop"}', 1795382305616799, 1795382310435282);
INSERT INTO tidewheel_asset.notes VALUES (14, 'approval.rejected', 'SentBack@3', '{"gate":"ask(head@shop)","note":"odd","who":"head@shop"}', 1795382305833997, 1795382310435282);
INSERT INTO tidewheel_asset.notes VALUES (15, 'environment.moved', 'SentBack', '{"after":1,"before":null,"environment":"production","model":"SentBack","revision":1,"who":"ana","why":"first"}', 1795382306113630, 1795382310435282);
INSERT INTO tidewheel_asset.notes VALUES (16, 'environment.moved', 'SentBack', '{"after":2,"before":null,"environment":"staging","model":"SentBack","revision":1,"who":"ana","why":""}', 1795382306245586, 1795382310435282);
INSERT INTO tidewheel_asset.notes VALUES (17, 'version.tagged', 'SentBack', '{"removed":[],"tags":{"team":"returns"},"version":"SentBack@2","who":"ana"}', 1795382306417773, 1795382310435282);
INSERT INTO tidewheel_asset.notes VALUES (18, 'version.deleted', 'SentBack', '{"version":"SentBack@3","who":"ana","why":"rejected"}', 1795382306724729, 1795382310435282);
INSERT INTO tidewheel_asset.notes VALUES (19, 'deployment.deploy', 'Screen', '{"action":"deploy","cause":"first","challenger":"","champion":"SentBack@1","killed":false,"revision":1,"service_version":"d190e6519906444c","share":0.0,"who":"ana"}', 1795382307885786, 1795382310435282);
INSERT INTO tidewheel_asset.notes VALUES (20, 'deployment.canary', 'Screen', '{"action":"canary","cause":"weekly","challenger":"SentBack@2","champion":"SentBack@1","killed":false,"revision":2,"service_version":"d190e6519906444c","share":0.1,"who":"ana"}', 1795382308690454, 1795382310435282);
INSERT INTO tidewheel_asset.notes VALUES (21, 'thresholds.set', 'Screen', '{"cause":"queue","levels":{"check":0.4},"version":1,"who":"ana"}', 1795382309408513, 1795382310435282);
INSERT INTO tidewheel_asset.notes VALUES (22, 'token.created', 'shop', '{"expires":null,"rate":0.0,"scopes":["ingest","decide"],"who":"ana"}', 1795382310897280, NULL);
INSERT INTO tidewheel_asset.notes VALUES (23, 'token.created', 'ops', '{"expires":null,"rate":0.0,"scopes":["read"],"who":"ana"}', 1795382310973717, NULL);
INSERT INTO tidewheel_asset.notes VALUES (24, 'token.rotated', 'shop', '{"grace":86400000000,"who":"ana"}', 1795382311057821, NULL);
INSERT INTO tidewheel_asset.notes VALUES (25, 'token.revoked', 'ops', '{"who":"ana"}', 1795382311244219, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HXX1BV49VQQ', 'test', 'average_precision', 0.28369387444553745, 0.17398810212196963, 0.4509077560758463);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HXX1BV49VQQ', 'test', 'roc_auc', 0.6357458912768648, 0.5087283749166579, 0.7459772372179219);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HXX1BV49VQQ', 'train', 'average_precision', 0.4942694313003973, 0.4058955337128713, 0.5905154591603298);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HXX1BV49VQQ', 'train', 'roc_auc', 0.8130121156943764, 0.7697239226266562, 0.8528451809817049);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HXX1BV49VQQ', 'baseline', 'average_precision', 0.19858156028368795, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HXX1BV49VQQ', 'baseline', 'roc_auc', 0.5, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HXX1BV49VQQ', 'baseline linear', 'average_precision', 0.37822828391589863, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HXX1BV49VQQ', 'baseline linear', 'roc_auc', 0.693109987357775, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HXX1BV49VQQ', 'test', 'calibration_error', 0.034620594053112005, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HXX1BV49VQQ', 'test', 'brier', 0.15663413160720682, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HYJJ2TDAXPB', 'test', 'average_precision', 0.29849210759296263, 0.20634578768996356, 0.48314509109768494);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HYJJ2TDAXPB', 'test', 'roc_auc', 0.650126422250316, 0.5622998057362464, 0.7557748538011696);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HYJJ2TDAXPB', 'train', 'average_precision', 0.5011932367962988, 0.4080490619476356, 0.5882337425745102);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HYJJ2TDAXPB', 'train', 'roc_auc', 0.8171878282792913, 0.7738324063288281, 0.8537468833212596);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HYJJ2TDAXPB', 'baseline', 'average_precision', 0.19858156028368795, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HYJJ2TDAXPB', 'baseline', 'roc_auc', 0.5, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HYJJ2TDAXPB', 'baseline linear', 'average_precision', 0.37822828391589863, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HYJJ2TDAXPB', 'baseline linear', 'roc_auc', 0.693109987357775, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HYJJ2TDAXPB', 'test', 'calibration_error', 0.03547698505607698, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HYJJ2TDAXPB', 'test', 'brier', 0.15511107497270638, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HYJJ2TDAXPB', 'previous', 'average_precision', 0.28369387444553745, 0.19473940265702475, 0.4316487215371791);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HYJJ2TDAXPB', 'previous', 'roc_auc', 0.6357458912768648, 0.5246695408172392, 0.7372801724137932);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HZJY4YEGVFM', 'test', 'average_precision', 0.2710254130874063, 0.1876611357149997, 0.41799994575609506);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HZJY4YEGVFM', 'test', 'roc_auc', 0.6425410872313527, 0.5435406781117988, 0.725126843966767);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HZJY4YEGVFM', 'train', 'average_precision', 0.4873394090994667, 0.4146111258560883, 0.5810626956365869);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HZJY4YEGVFM', 'train', 'roc_auc', 0.8051509209328385, 0.7697016247266444, 0.8492473486682305);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HZJY4YEGVFM', 'baseline', 'average_precision', 0.19858156028368795, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HZJY4YEGVFM', 'baseline', 'roc_auc', 0.5, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HZJY4YEGVFM', 'baseline linear', 'average_precision', 0.37822828391589863, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HZJY4YEGVFM', 'baseline linear', 'roc_auc', 0.693109987357775, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HZJY4YEGVFM', 'test', 'calibration_error', 0.04094089062853087, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HZJY4YEGVFM', 'test', 'brier', 0.155818048315581, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HZJY4YEGVFM', 'previous', 'average_precision', 0.29849210759296263, 0.21195812886779317, 0.4552258086695424);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HZJY4YEGVFM', 'previous', 'roc_auc', 0.650126422250316, 0.5296625344352618, 0.7648995703041336);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HXX1BV49VQQ', 1, 'validate', 1795382244685734, 2.1282692090003366, '900 rows, 0 decided, 842 labelled, 58 immature', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HXX1BV49VQQ', 2, 'data', 1795382246874069, 8.460348411999803, '900 rows, 0 decided, 842 labelled, 58 immature, 68 gap, 633 train, 141 test', '59edebca512b0638ce80a07a900af1fc7bd621d69ac9c1f4b9916a69949c723e', '1ff9d841b432ea07ec19f7641d8e78a428760dffda0a603c661274d6baafa9a9', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HXX1BV49VQQ', 3, 'split', 1795382255335431, 0.01389515399978336, 'customer.idle: 484 values on 484 train rows, nearly one a row: like an id or a clock, it knows no row to come; customer: 89 of the 89 in the test are in the train rows too, on 100.0% of the test rows', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HXX1BV49VQQ', 4, 'tune', 1795382255908874, 0.45665940200024124, '2 trials; chosen {''learning_rate'': 0.13366875980837895}', '1c46ab076a1603a4e662b3c43957839c8e097b96857ab3add2c59725e5f76246', '03bb6b0e30f23c242cba17ee84d48856c467ed0802cd42077f6e575fa4416af0', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HXX1BV49VQQ', 5, 'fit', 1795382256350280, 0.2713883830001578, 'fitted in 0.0 s', '20fc1f27ec71cbd06bcea2c6440e030e88a6b4d36fc20eaaf4e506e269f2ba90', 'dd149840ab0c6fdfbc385fdb94992e201154337329feab9ffae4683eb3fb4995', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HXX1BV49VQQ', 6, 'evaluate', 1795382256646007, 0.2790063550000923, 'average_precision 0.2837, roc_auc 0.6357', '3bfffa08b1843fef660840ef1f07ae84f70c7c9cb31a31fc8d70001b1db4c62e', 'd9c782e87a9adcc472b22e98aa8e53d71d08668daea641793b7436144ffa90c6', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HXX1BV49VQQ', 7, 'gates', 1795382256946990, 0.5933219630001076, 'at_least(roc_auc, 0.5): passed; ask(head@shop): failed', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HXX1BV49VQQ', 8, 'register', 1795382260177945, 1.983553061999828, '', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HYJJ2TDAXPB', 1, 'validate', 1795382266506594, 3.899907952000376, '900 rows, 0 decided, 842 labelled, 58 immature', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HYJJ2TDAXPB', 2, 'data', 1795382270483470, 0.12985850699988077, 'reused from run 01M82HXX1BV49VQQ of 2026-11-22 21:17 UTC: same definitions, same labels, same history up to offset 1053; 900 rows, 0 decided, 842 labelled, 58 immature, 68 gap, 633 train, 141 test', '59edebca512b0638ce80a07a900af1fc7bd621d69ac9c1f4b9916a69949c723e', '1ff9d841b432ea07ec19f7641d8e78a428760dffda0a603c661274d6baafa9a9', '01M82HXX1BV49VQQ', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HYJJ2TDAXPB', 3, 'split', 1795382279426492, 0.14356063899958826, 'customer.idle: 484 values on 484 train rows, nearly one a row: like an id or a clock, it knows no row to come; customer: 89 of the 89 in the test are in the train rows too, on 100.0% of the test rows', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HYJJ2TDAXPB', 4, 'tune', 1795382279548101, 0.5214441279999846, '2 trials; chosen {''learning_rate'': 0.10555436531487483}', 'a6c0fe4f491a00814f6b599827516b165a0d4030a7d0e8aab431d4732c0f231e', '5fa07f1504b2c369e02bef971b6c1d6c8bc3ecd54d78b6a9a790d3b654955e8d', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HYJJ2TDAXPB', 5, 'fit', 1795382280103588, 0.2869651249998242, 'fitted in 0.0 s', '0d53fdf83794fdd5905d72b26d9e149dac1d49f535b4dc4cadcb1c92b2d757b2', '658ffed7ec6fe94d7e9a695213fb23b08efa3ed5734d39ca3422522bf8b0c225', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HYJJ2TDAXPB', 6, 'evaluate', 1795382280410272, 0.5364853180003593, 'average_precision 0.2985, roc_auc 0.6501', 'cecfd3922a5da5c56895c9bb8cce1ee261fc938e09567b45e3fd55788b7dde8f', 'f8de06c8ddb721724d3cf4011778f937eb4a6afd00b3011fe2b0fb111122e015', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HYJJ2TDAXPB', 7, 'gates', 1795382281014432, 8.836143339000046, 'at_least(roc_auc, 0.5): passed; ask(head@shop): failed', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HYJJ2TDAXPB', 8, 'register', 1795382289869949, 4.975405344999672, '', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HZJY4YEGVFM', 1, 'validate', 1795382299619323, 1.2625071590000516, '900 rows, 0 decided, 842 labelled, 58 immature', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HZJY4YEGVFM', 2, 'data', 1795382300934292, 0.07741503400029615, 'reused from run 01M82HYJJ2TDAXPB of 2026-11-22 21:17 UTC: same definitions, same labels, same history up to offset 1053; 900 rows, 0 decided, 842 labelled, 58 immature, 68 gap, 633 train, 141 test', '59edebca512b0638ce80a07a900af1fc7bd621d69ac9c1f4b9916a69949c723e', '1ff9d841b432ea07ec19f7641d8e78a428760dffda0a603c661274d6baafa9a9', '01M82HYJJ2TDAXPB', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HZJY4YEGVFM', 3, 'split', 1795382301097800, 0.06992421099994317, 'customer.idle: 484 values on 484 train rows, nearly one a row: like an id or a clock, it knows no row to come; customer: 89 of the 89 in the test are in the train rows too, on 100.0% of the test rows', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HZJY4YEGVFM', 4, 'tune', 1795382301297891, 0.21352278700032912, '2 trials; chosen {''learning_rate'': 0.10920436116002988}', '7dc0cbd0796ca2bbbaf392305c6c877541f1deac6da763839558621421a0d5a9', '9335e5bf3f23e3450e0c8cfbbba6dbd18d9d9ed8195bde5bc1b2cfe25efeb53e', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HZJY4YEGVFM', 5, 'fit', 1795382301502417, 0.1206472539997776, 'fitted in 0.0 s', '4752e89356a877600456a2f11b14f010bee6f8038d75eea52eb5136e12a58358', '00eb5309fd93dd7243364a4fbf57f0298bdf9cdaecddffaa74016804eeb3b568', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HZJY4YEGVFM', 6, 'evaluate', 1795382301622250, 0.06798840999999811, 'average_precision 0.271, roc_auc 0.6425', 'cd6e91f367e9f86382654d62d8a02b94d8c2c2db62024d0f9c08ff6be5f9e706', 'f775709a9002322c894338d1ceaeca8ff783914758efe3e3ce35a51108a85e26', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HZJY4YEGVFM', 7, 'gates', 1795382301714793, 1.1292690420000326, 'at_least(roc_auc, 0.5): passed; ask(head@shop): failed', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HZJY4YEGVFM', 8, 'register', 1795382302878058, 0.7163094480001746, '', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HZQBHQHTZX5', 1, 'validate', 1795382304165467, 1.0068099649997748, '0 rows, 0 decided, 0 labelled', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HZQBHQHTZX5', 2, 'data', 1795382305209997, 0.06187852600032784, '', 'fd00bb73bf01b1f23d3988534818629331960f6ed62d550007d48cb738fd31ae', '', '', 'failed', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HXX1BV49VQQ', 9, 'approve', 1795382261787627, 43.732803, 'ask(head@shop) approved by head@shop', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HYJJ2TDAXPB', 9, 'approve', 1795382294746006, 10.870793, 'ask(head@shop) approved by head@shop', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HZJY4YEGVFM', 9, 'approve', 1795382303574262, 2.259735, 'ask(head@shop) rejected by head@shop', '', '', '', 'failed', 1);
INSERT INTO tidewheel_asset.runs VALUES ('01M82HXX1BV49VQQ', 'SentBack', 'done', 1795382244395156, 1795382261787627, '', 'ana', '', '{"chosen":{"learning_rate":0.13366875980837895},"estimator":"LGBMClassifier","fitted":{"boosting_type":"gbdt","class_weight":null,"colsample_bytree":1.0,"deterministic":true,"force_row_wise":true,"importance_type":"split","learning_rate":0.13366875980837895,"max_depth":-1,"min_child_samples":20,"min_child_weight":0.001,"min_split_gain":0.0,"n_estimators":5,"n_jobs":1,"num_leaves":7,"objective":null,"random_state":0,"reg_alpha":0.0,"reg_lambda":0.0,"subsample":1.0,"subsample_for_bin":200000,"subsample_freq":0,"verbose":-1},"notes":[],"parents":{},"prior":1.0,"seed":0,"test_rows":"d40e43994da4732b98ec7494c1d02ef7129f48a31326e8703b02629749ca2505","threads":1,"trials":2,"warnings":["customer.idle: 484 values on 484 train rows, nearly one a row: like an id or a clock, it knows no row to come"],"workers":1}', '{"as_of":1795382243707709,"commit":"","dataset":"467eaea5485b7f6f071bc20183f42c85c97dbc5f390a864c12900ee0ba350f74","definitions":{"entity Customer":"bdd922ee5a2a8e69","event Order":"f0e56ffe684dc88f","event Return":"10f4de563d4820b4","features CustomerHistory":"9e49248aaf2d473d","files":"f06cca6b174aaf4078dd1333d0ea485e197967811588183269f1b08b14c185a4","model SentBack":"11dd45c77f927d57","view OrderView":"7c077b5736fe9e83"},"dirty_patch":"","libraries":{"lightgbm":"4.7.0","numba":"0.68.1","numpy":"2.4.6","optuna":"5.0.0","processor":"x86_64","pyarrow":"26.0.1","python":"3.11.7","scikit-learn":"1.9.1","scipy":"1.17.1","tidewheel":"0.1.0"},"log_head":1053,"parents":{},"rows":{"decided":0,"gap":68,"immature":58,"labelled":842,"rows":900,"test":141,"train":633},"seed":0,"tables":{"Customer":-1,"Order":0,"Return":0},"timings":{"data":8.46,"evaluate":0.279,"fit":0.271,"gates":0.593,"split":0.014,"tune":0.457,"validate":2.128}}', '[{"approvers":[],"blessing":"good","detail":"roc_auc is 0.6357 [0.5087, 0.746] on 141 test rows; at least 0.5 is asked","evidence":{"value":0.6357458912768648},"expires":0,"gate":"at_least(roc_auc, 0.5)","passed":true},{"approvers":["head@shop"],"blessing":"good","detail":"average_precision 0.2837, roc_auc 0.6357 on 141 test rows, the first to be deployed","evidence":{"average_precision":[0.28369387444553745,0.17398810212196963,0.4509077560758463],"roc_auc":[0.6357458912768648,0.5087283749166579,0.7459772372179219]},"expires":604800000000,"gate":"ask(head@shop)","passed":false}]', '{"bundle":"2597d7732db34c6802d16a3be1795a448228b1c4e6b91477fc02f9c1804fcec5","calibration":"6c7c5d28cd84e0bd41dc9cd0218ba947e9b7885f55983308b067af273e5b2a6d","environment":"b38f140f02e417ef7730bcd4ecaa7ce683658550d0500d1bd1975f69386f8e27","evaluation":"1cf1552b977be6523f26f61ddc95a995dc986b990edbae3063ee636c82bc3a17","findings":"777ecf47cb2289123b91c6dc7b3e9c6a3b924fb930e2c710de3a851d055dd52d","held_out":"d81883b25a5760d1401a720c3124e33d031579b0e5b5206323dbb232f458e82a","importance":"3fef13e70952a5014c49487be96c8efa34bbfec1b0e1321d83f6c4c00d010f8a","model.txt":"7d5555dbe9ab9f8690023c0c2737344c1b11b83714cf08b5020ce4ecb5d8d08f","predictions":"f543f33cdeebe05e335d470289c080264eff479626f5676a69b47c3f39fd0974","trials":"3a4b6aecc54d9423ea8952846e99a9a4e764a024f603e428f1cc22938ab59b2d","tuning":"10c3c27d6f897d39a448c4d827f73fb297e3cc68780c131bb1d12202cf90a041"}', '', 'be4a290d7d834ccac29f766dab10408f6045ffc982c4fba2891dacab4bc3969a', 'vm d201a8fd-14d4-4f97-8323-84d7b00d1d61 23702 293294', 1795382244395221);
INSERT INTO tidewheel_asset.runs VALUES ('01M82HZQBHQHTZX5', 'SentBack', 'failed', 1795382304113818, 1795382305305818, '', 'ana', '', '{"as_of":978307200000000,"head":1053,"parents":{},"release":"ef9c131c48c79cd5bfc139a7c540752f7c1cef2ba97fe01607b9eab3ebc5dcea","seed":0,"threads":1}', '{"as_of":0,"commit":"","dataset":"","definitions":{},"dirty_patch":"","libraries":{},"log_head":0,"parents":{},"rows":{},"seed":0,"tables":{},"timings":{}}', '[]', '{}', 'data: SentBack: none of 0 Order rows can be trained on: there are none', 'a2b3db89d76994fccc92790a955d749383079de7e6216f332ef4ae0b30fc03e6', 'vm d201a8fd-14d4-4f97-8323-84d7b00d1d61 23702 293294', 1795382304113884);
INSERT INTO tidewheel_asset.runs VALUES ('01M82HYJJ2TDAXPB', 'SentBack', 'done', 1795382266434190, 1795382294746006, '', 'ana', '', '{"chosen":{"learning_rate":0.10555436531487483},"estimator":"LGBMClassifier","fitted":{"boosting_type":"gbdt","class_weight":null,"colsample_bytree":1.0,"deterministic":true,"force_row_wise":true,"importance_type":"split","learning_rate":0.10555436531487483,"max_depth":-1,"min_child_samples":20,"min_child_weight":0.001,"min_split_gain":0.0,"n_estimators":5,"n_jobs":1,"num_leaves":7,"objective":null,"random_state":1,"reg_alpha":0.0,"reg_lambda":0.0,"subsample":1.0,"subsample_for_bin":200000,"subsample_freq":0,"verbose":-1},"notes":[],"parents":{},"prior":1.0,"seed":1,"test_rows":"d40e43994da4732b98ec7494c1d02ef7129f48a31326e8703b02629749ca2505","threads":1,"trials":2,"warnings":["customer.idle: 484 values on 484 train rows, nearly one a row: like an id or a clock, it knows no row to come"],"workers":1}', '{"as_of":1795382266282227,"commit":"","dataset":"467eaea5485b7f6f071bc20183f42c85c97dbc5f390a864c12900ee0ba350f74","definitions":{"entity Customer":"bdd922ee5a2a8e69","event Order":"f0e56ffe684dc88f","event Return":"10f4de563d4820b4","features CustomerHistory":"9e49248aaf2d473d","files":"f06cca6b174aaf4078dd1333d0ea485e197967811588183269f1b08b14c185a4","model SentBack":"11dd45c77f927d57","view OrderView":"7c077b5736fe9e83"},"dirty_patch":"","libraries":{"lightgbm":"4.7.0","numba":"0.68.1","numpy":"2.4.6","optuna":"5.0.0","processor":"x86_64","pyarrow":"26.0.1","python":"3.11.7","scikit-learn":"1.9.1","scipy":"1.17.1","tidewheel":"0.1.0"},"log_head":1053,"parents":{},"rows":{"decided":0,"gap":68,"immature":58,"labelled":842,"rows":900,"test":141,"train":633},"seed":1,"tables":{"Customer":-1,"Order":0,"Return":0},"timings":{"data":0.13,"evaluate":0.536,"fit":0.287,"gates":8.836,"split":0.144,"tune":0.521,"validate":3.9}}', '[{"approvers":[],"blessing":"good","detail":"roc_auc is 0.6501 [0.5623, 0.7558] on 141 test rows; at least 0.5 is asked","evidence":{"value":0.650126422250316},"expires":0,"gate":"at_least(roc_auc, 0.5)","passed":true},{"approvers":["head@shop"],"blessing":"good","detail":"average_precision 0.2985, roc_auc 0.6501 on 141 test rows, the first to be deployed","evidence":{"average_precision":[0.29849210759296263,0.20634578768996356,0.48314509109768494],"roc_auc":[0.650126422250316,0.5622998057362464,0.7557748538011696]},"expires":604800000000,"gate":"ask(head@shop)","passed":false}]', '{"bundle":"13261f937c43f563aa4c55c9eb9a981a5413e03c74d15582a84affd9fdbf2697","calibration":"f3113177140f624038688d86e34b8662f8e2f228d4e3e5b396634ed88da2bee6","environment":"b38f140f02e417ef7730bcd4ecaa7ce683658550d0500d1bd1975f69386f8e27","evaluation":"db4179b6ec7b9e451482189f10731278b6f53b616d00d8802d8ad2b09aa0de1c","findings":"777ecf47cb2289123b91c6dc7b3e9c6a3b924fb930e2c710de3a851d055dd52d","held_out":"ec1f3c918fe4621d39406b94301578f45173b2f04ec1f4093795cee7fe3a463f","importance":"1f4bf5164d7536a02dd7df8ccf0a6aa971d7f7dceaefdba92e9566be1dbaf776","model.txt":"544f7f9a0f1b59c8ee9d09397f7535a6e548e7d11c2e88c8f2c11ca19fb05889","predictions":"6ed24d1bb0d6db352a5cbcbea648c52843a3d6cf45a0bea938dd45391861cab5","trials":"9b9ff842a9ca5baedaca905201a8d9d7f5393d770881a92b5b9cd7e7e8143269","tuning":"9a4cd2c6fd543ced527add3124af86206f99bb4b11cf5be9ae28ca9582f0e305"}', '', '843f693f3b233910f3cbeceb9a4f9210879215b94d470f8fab4f39096d4da2de', 'vm d201a8fd-14d4-4f97-8323-84d7b00d1d61 23702 293294', 1795382286801238);
INSERT INTO tidewheel_asset.runs VALUES ('01M82HZJY4YEGVFM', 'SentBack', 'done', 1795382299588147, 1795382303574262, '', 'ana', '', '{"chosen":{"learning_rate":0.10920436116002988},"estimator":"LGBMClassifier","fitted":{"boosting_type":"gbdt","class_weight":null,"colsample_bytree":1.0,"deterministic":true,"force_row_wise":true,"importance_type":"split","learning_rate":0.10920436116002988,"max_depth":-1,"min_child_samples":20,"min_child_weight":0.001,"min_split_gain":0.0,"n_estimators":5,"n_jobs":1,"num_leaves":7,"objective":null,"random_state":2,"reg_alpha":0.0,"reg_lambda":0.0,"subsample":1.0,"subsample_for_bin":200000,"subsample_freq":0,"verbose":-1},"notes":[],"parents":{},"prior":1.0,"seed":2,"test_rows":"d40e43994da4732b98ec7494c1d02ef7129f48a31326e8703b02629749ca2505","threads":1,"trials":2,"warnings":["customer.idle: 484 values on 484 train rows, nearly one a row: like an id or a clock, it knows no row to come"],"workers":1}', '{"as_of":1795382299512502,"commit":"","dataset":"467eaea5485b7f6f071bc20183f42c85c97dbc5f390a864c12900ee0ba350f74","definitions":{"entity Customer":"bdd922ee5a2a8e69","event Order":"f0e56ffe684dc88f","event Return":"10f4de563d4820b4","features CustomerHistory":"9e49248aaf2d473d","files":"f06cca6b174aaf4078dd1333d0ea485e197967811588183269f1b08b14c185a4","model SentBack":"11dd45c77f927d57","view OrderView":"7c077b5736fe9e83"},"dirty_patch":"","libraries":{"lightgbm":"4.7.0","numba":"0.68.1","numpy":"2.4.6","optuna":"5.0.0","processor":"x86_64","pyarrow":"26.0.1","python":"3.11.7","scikit-learn":"1.9.1","scipy":"1.17.1","tidewheel":"0.1.0"},"log_head":1053,"parents":{},"rows":{"decided":0,"gap":68,"immature":58,"labelled":842,"rows":900,"test":141,"train":633},"seed":2,"tables":{"Customer":-1,"Order":0,"Return":0},"timings":{"data":0.077,"evaluate":0.068,"fit":0.121,"gates":1.129,"split":0.07,"tune":0.214,"validate":1.263}}', '[{"approvers":[],"blessing":"good","detail":"roc_auc is 0.6425 [0.5435, 0.7251] on 141 test rows; at least 0.5 is asked","evidence":{"value":0.6425410872313527},"expires":0,"gate":"at_least(roc_auc, 0.5)","passed":true},{"approvers":["head@shop"],"blessing":"good","detail":"average_precision 0.271, roc_auc 0.6425 on 141 test rows, the first to be deployed","evidence":{"average_precision":[0.2710254130874063,0.1876611357149997,0.41799994575609506],"roc_auc":[0.6425410872313527,0.5435406781117988,0.725126843966767]},"expires":604800000000,"gate":"ask(head@shop)","passed":false}]', '{"bundle":"aaac54983c2b511f14a0e3fa873f0bbb708c7d815d5540dd5000292457ea84a9","calibration":"f963129ed59be74ff131b6fc7b6df3a77eba355a83be03851909c246c084bf5f","environment":"b38f140f02e417ef7730bcd4ecaa7ce683658550d0500d1bd1975f69386f8e27","evaluation":"11a9a3865d32c1136a9318d30174f6dc6a534588e77665920b129c949abd7a1e","findings":"777ecf47cb2289123b91c6dc7b3e9c6a3b924fb930e2c710de3a851d055dd52d","held_out":"6d08b47e62b3f8ef1d3eb053e74450b1263fd538c34fc803b0f55950a2d63191","importance":"3ec957ed5e6cd3f9ce9e6a8fb62513370465023b94fc09c1a46b2aace4aade58","model.txt":"52d238cea291d81b9bf54e9f764496a814cd0da2983dc464ed22e14fd5968ab5","predictions":"02b23027008fb0ffda166908440b0c70b9c33d7ced03b9bb25e7161ebb9fad24","trials":"a85f82ca86690cfb998260afa36fd8b916d407eb9dfd81d846bed7d32fc34f65","tuning":"f904ff8f87ce22262c9b48513ea71cab968c61838183aac9ea5df14fc0f37761"}', '', 'b56cfe70a0e74e761b19745ea29ea51086ae40001d297d1203b056e513498791', 'vm d201a8fd-14d4-4f97-8323-84d7b00d1d61 23702 293294', 1795382299588214);
INSERT INTO tidewheel_asset.service_versions VALUES ('d190e6519906444c', 'Screen', '{"deadline":20000,"doc":"Post an order, get ship / check.","explore":0.0,"fallback":[{"kind":"previous","model":"SentBack","type":"Fallback"},{"action":"ship","kind":"action","type":"Fallback"}],"file":"project.py","keep_rows":1.0,"line":73,"model":"SentBack","name":"Screen","on":"Order","rule_view":null,"rules":[],"thresholds":[["ship",0.0],["check",0.5]],"type":"Service"}', 'b8e10000dd8afc97', 1795382307821916);
INSERT INTO tidewheel_asset.thresholds VALUES ('Screen', 1, '{"check":0.4}', 1795382309408513, 'queue', 'ana');
INSERT INTO tidewheel_asset.tokens VALUES ('shop', 'ingest,decide', '5de5d3cc2735f8cc0ce64e763221ade0a9a7327e7bc6a51836f988768106227e', 'e8f4d7aee01c6b7002b76a84003c75b75de04240effd1a070de08e733ed86777', 1795468711045946, 0, 1795382310873784, NULL, NULL, 'ana');
INSERT INTO tidewheel_asset.tokens VALUES ('ops', 'read', '3f9976979f63a109b225c70ed586127405097d607fc77b3e33f747945cdda3d2', '', NULL, 0, 1795382310960612, NULL, 1795382311219015, 'ana');
INSERT INTO tidewheel_asset.trials VALUES ('01M82HXX1BV49VQQ', 0, 'cce2db1ad2500153ce07417bb0a50b75a7a3da8ead7ab50beeb162a4d4b794e1', 'complete', '{"learning_rate":0.1}', '[]', '', 0.2670006778613322, 0.07400910399974236, 1795382256097351);
INSERT INTO tidewheel_asset.trials VALUES ('01M82HXX1BV49VQQ', 1, 'cce2db1ad2500153ce07417bb0a50b75a7a3da8ead7ab50beeb162a4d4b794e1', 'complete', '{"learning_rate":0.13366875980837895}', '[]', '', 0.2720084482775403, 0.07232479200001762, 1795382256237088);
INSERT INTO tidewheel_asset.trials VALUES ('01M82HYJJ2TDAXPB', 0, 'a9db6a546f112cc9e959d2628e67fb7ceff44da588b78367499c404c429a656d', 'complete', '{"learning_rate":0.1}', '[]', '', 0.2670006778613322, 0.07372718399983569, 1795382279812700);
INSERT INTO tidewheel_asset.trials VALUES ('01M82HYJJ2TDAXPB', 1, 'a9db6a546f112cc9e959d2628e67fb7ceff44da588b78367499c404c429a656d', 'complete', '{"learning_rate":0.10555436531487483}', '[]', '', 0.28662899767745026, 0.06926248400031909, 1795382279950986);
INSERT INTO tidewheel_asset.trials VALUES ('01M82HZJY4YEGVFM', 0, 'd2ffd1f3e2df03c130117971749011ee6d779dbe396e862376c754dd1f51b445', 'complete', '{"learning_rate":0.1}', '[]', '', 0.2670006778613322, 0.010913077000168414, 1795382301409865);
INSERT INTO tidewheel_asset.trials VALUES ('01M82HZJY4YEGVFM', 1, 'd2ffd1f3e2df03c130117971749011ee6d779dbe396e862376c754dd1f51b445', 'complete', '{"learning_rate":0.10920436116002988}', '[]', '', 0.28662899767745026, 0.01796279100017273, 1795382301444048);
INSERT INTO tidewheel_asset.version_notes VALUES (1, 'SentBack', 2, 'shoes-look-better', 1795382306525666, 'ana');
INSERT INTO tidewheel_asset.version_tags VALUES ('SentBack', 2, 'team', 'returns', 1795382306417773, 'ana');
INSERT INTO tidewheel_asset.versions VALUES ('SentBack', 1, '01M82HXX1BV49VQQ', '2597d7732db34c6802d16a3be1795a448228b1c4e6b91477fc02f9c1804fcec5', '7c077b5736fe9e83', '11dd45c77f927d57', '[{"high":0.4509077560758463,"low":0.17398810212196963,"metric":"average_precision","split":"test","value":0.28369387444553745},{"high":0.7459772372179219,"low":0.5087283749166579,"metric":"roc_auc","split":"test","value":0.6357458912768648},{"high":0.5905154591603298,"low":0.4058955337128713,"metric":"average_precision","split":"train","value":0.4942694313003973},{"high":0.8528451809817049,"low":0.7697239226266562,"metric":"roc_auc","split":"train","value":0.8130121156943764},{"high":null,"low":null,"metric":"average_precision","split":"baseline","value":0.19858156028368795},{"high":null,"low":null,"metric":"roc_auc","split":"baseline","value":0.5},{"high":null,"low":null,"metric":"average_precision","split":"baseline linear","value":0.37822828391589863},{"high":null,"low":null,"metric":"roc_auc","split":"baseline linear","value":0.693109987357775},{"high":null,"low":null,"metric":"calibration_error","split":"test","value":0.034620594053112005},{"high":null,"low":null,"metric":"brier","split":"test","value":0.15663413160720682}]', '[{"approvers":[],"blessing":"good","detail":"roc_auc is 0.6357 [0.5087, 0.746] on 141 test rows; at least 0.5 is asked","evidence":{"value":0.6357458912768648},"expires":0,"gate":"at_least(roc_auc, 0.5)","passed":true},{"approvers":["head@shop"],"blessing":"good","detail":"average_precision 0.2837, roc_auc 0.6357 on 141 test rows, the first to be deployed","evidence":{"average_precision":[0.28369387444553745,0.17398810212196963,0.4509077560758463],"roc_auc":[0.6357458912768648,0.5087283749166579,0.7459772372179219]},"expires":604800000000,"gate":"ask(head@shop)","passed":false}]', 'ana', 1795382261787627);
INSERT INTO tidewheel_asset.versions VALUES ('SentBack', 2, '01M82HYJJ2TDAXPB', '13261f937c43f563aa4c55c9eb9a981a5413e03c74d15582a84affd9fdbf2697', '78caa17fc688ec26', '11dd45c77f927d57', '[{"high":0.48314509109768494,"low":0.20634578768996356,"metric":"average_precision","split":"test","value":0.29849210759296263},{"high":0.7557748538011696,"low":0.5622998057362464,"metric":"roc_auc","split":"test","value":0.650126422250316},{"high":0.5882337425745102,"low":0.4080490619476356,"metric":"average_precision","split":"train","value":0.5011932367962988},{"high":0.8537468833212596,"low":0.7738324063288281,"metric":"roc_auc","split":"train","value":0.8171878282792913},{"high":null,"low":null,"metric":"average_precision","split":"baseline","value":0.19858156028368795},{"high":null,"low":null,"metric":"roc_auc","split":"baseline","value":0.5},{"high":null,"low":null,"metric":"average_precision","split":"baseline linear","value":0.37822828391589863},{"high":null,"low":null,"metric":"roc_auc","split":"baseline linear","value":0.693109987357775},{"high":null,"low":null,"metric":"calibration_error","split":"test","value":0.03547698505607698},{"high":null,"low":null,"metric":"brier","split":"test","value":0.15511107497270638},{"high":0.4316487215371791,"low":0.19473940265702475,"metric":"average_precision","split":"previous","value":0.28369387444553745},{"high":0.7372801724137932,"low":0.5246695408172392,"metric":"roc_auc","split":"previous","value":0.6357458912768648}]', '[{"approvers":[],"blessing":"good","detail":"roc_auc is 0.6501 [0.5623, 0.7558] on 141 test rows; at least 0.5 is asked","evidence":{"value":0.650126422250316},"expires":0,"gate":"at_least(roc_auc, 0.5)","passed":true},{"approvers":["head@shop"],"blessing":"good","detail":"average_precision 0.2985, roc_auc 0.6501 on 141 test rows, the first to be deployed","evidence":{"average_precision":[0.29849210759296263,0.20634578768996356,0.48314509109768494],"roc_auc":[0.650126422250316,0.5622998057362464,0.7557748538011696]},"expires":604800000000,"gate":"ask(head@shop)","passed":false}]', 'ana', 1795382294746006);
INSERT INTO tidewheel_asset.versions VALUES ('SentBack', 3, '01M82HZJY4YEGVFM', 'aaac54983c2b511f14a0e3fa873f0bbb708c7d815d5540dd5000292457ea84a9', '78caa17fc688ec26', '11dd45c77f927d57', '[{"high":0.41799994575609506,"low":0.1876611357149997,"metric":"average_precision","split":"test","value":0.2710254130874063},{"high":0.725126843966767,"low":0.5435406781117988,"metric":"roc_auc","split":"test","value":0.6425410872313527},{"high":0.5810626956365869,"low":0.4146111258560883,"metric":"average_precision","split":"train","value":0.4873394090994667},{"high":0.8492473486682305,"low":0.7697016247266444,"metric":"roc_auc","split":"train","value":0.8051509209328385},{"high":null,"low":null,"metric":"average_precision","split":"baseline","value":0.19858156028368795},{"high":null,"low":null,"metric":"roc_auc","split":"baseline","value":0.5},{"high":null,"low":null,"metric":"average_precision","split":"baseline linear","value":0.37822828391589863},{"high":null,"low":null,"metric":"roc_auc","split":"baseline linear","value":0.693109987357775},{"high":null,"low":null,"metric":"calibration_error","split":"test","value":0.04094089062853087},{"high":null,"low":null,"metric":"brier","split":"test","value":0.155818048315581},{"high":0.4552258086695424,"low":0.21195812886779317,"metric":"average_precision","split":"previous","value":0.29849210759296263},{"high":0.7648995703041336,"low":0.5296625344352618,"metric":"roc_auc","split":"previous","value":0.650126422250316}]', '[{"approvers":[],"blessing":"good","detail":"roc_auc is 0.6425 [0.5435, 0.7251] on 141 test rows; at least 0.5 is asked","evidence":{"value":0.6425410872313527},"expires":0,"gate":"at_least(roc_auc, 0.5)","passed":true},{"approvers":["head@shop"],"blessing":"good","detail":"average_precision 0.271, roc_auc 0.6425 on 141 test rows, the first to be deployed","evidence":{"average_precision":[0.2710254130874063,0.1876611357149997,0.41799994575609506],"roc_auc":[0.6425410872313527,0.5435406781117988,0.725126843966767]},"expires":604800000000,"gate":"ask(head@shop)","passed":false}]', 'ana', 1795382303574262);
SELECT pg_catalog.setval('tidewheel_asset.alerts_seq_seq', 1, false);
SELECT pg_catalog.setval('tidewheel_asset.approvals_seq_seq', 3, true);
SELECT pg_catalog.setval('tidewheel_asset.deployment_history_seq_seq', 2, true);
SELECT pg_catalog.setval('tidewheel_asset.environment_history_seq_seq', 2, true);
SELECT pg_catalog.setval('tidewheel_asset.notes_seq_seq', 25, true);
SELECT pg_catalog.setval('tidewheel_asset.version_notes_seq_seq', 1, true);
ALTER TABLE ONLY tidewheel_asset.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY tidewheel_asset.agreed
    ADD CONSTRAINT pk_agreed PRIMARY KEY (name);
ALTER TABLE ONLY tidewheel_asset.alerts
    ADD CONSTRAINT pk_alerts PRIMARY KEY (seq);
ALTER TABLE ONLY tidewheel_asset.approvals
    ADD CONSTRAINT pk_approvals PRIMARY KEY (seq);
ALTER TABLE ONLY tidewheel_asset.counters
    ADD CONSTRAINT pk_counters PRIMARY KEY (topic);
ALTER TABLE ONLY tidewheel_asset.datasets
    ADD CONSTRAINT pk_datasets PRIMARY KEY (digest);
ALTER TABLE ONLY tidewheel_asset.deleted_versions
    ADD CONSTRAINT pk_deleted_versions PRIMARY KEY (model, number);
ALTER TABLE ONLY tidewheel_asset.deployment_history
    ADD CONSTRAINT pk_deployment_history PRIMARY KEY (seq);
ALTER TABLE ONLY tidewheel_asset.deployments
    ADD CONSTRAINT pk_deployments PRIMARY KEY (service);
ALTER TABLE ONLY tidewheel_asset.environment_history
    ADD CONSTRAINT pk_environment_history PRIMARY KEY (seq);
ALTER TABLE ONLY tidewheel_asset.environments
    ADD CONSTRAINT pk_environments PRIMARY KEY (model, environment);
ALTER TABLE ONLY tidewheel_asset.graphs
    ADD CONSTRAINT pk_graphs PRIMARY KEY (digest);
ALTER TABLE ONLY tidewheel_asset.groups
    ADD CONSTRAINT pk_groups PRIMARY KEY (state_id);
ALTER TABLE ONLY tidewheel_asset.hosts
    ADD CONSTRAINT pk_hosts PRIMARY KEY (name);
ALTER TABLE ONLY tidewheel_asset.job_runs
    ADD CONSTRAINT pk_job_runs PRIMARY KEY (job, due);
ALTER TABLE ONLY tidewheel_asset.jobs
    ADD CONSTRAINT pk_jobs PRIMARY KEY (name);
ALTER TABLE ONLY tidewheel_asset.leases
    ADD CONSTRAINT pk_leases PRIMARY KEY (name);
ALTER TABLE ONLY tidewheel_asset.live_graphs
    ADD CONSTRAINT pk_live_graphs PRIMARY KEY (revision);
ALTER TABLE ONLY tidewheel_asset.notes
    ADD CONSTRAINT pk_notes PRIMARY KEY (seq);
ALTER TABLE ONLY tidewheel_asset.run_metrics
    ADD CONSTRAINT pk_run_metrics PRIMARY KEY (run, split, metric);
ALTER TABLE ONLY tidewheel_asset.run_steps
    ADD CONSTRAINT pk_run_steps PRIMARY KEY (run, seq);
ALTER TABLE ONLY tidewheel_asset.runs
    ADD CONSTRAINT pk_runs PRIMARY KEY (id);
ALTER TABLE ONLY tidewheel_asset.service_versions
    ADD CONSTRAINT pk_service_versions PRIMARY KEY (digest);
ALTER TABLE ONLY tidewheel_asset.thresholds
    ADD CONSTRAINT pk_thresholds PRIMARY KEY (service, version);
ALTER TABLE ONLY tidewheel_asset.tokens
    ADD CONSTRAINT pk_tokens PRIMARY KEY (name);
ALTER TABLE ONLY tidewheel_asset.trials
    ADD CONSTRAINT pk_trials PRIMARY KEY (run, number);
ALTER TABLE ONLY tidewheel_asset.version_notes
    ADD CONSTRAINT pk_version_notes PRIMARY KEY (seq);
ALTER TABLE ONLY tidewheel_asset.version_tags
    ADD CONSTRAINT pk_version_tags PRIMARY KEY (model, number, tag);
ALTER TABLE ONLY tidewheel_asset.versions
    ADD CONSTRAINT pk_versions PRIMARY KEY (model, number);
ALTER TABLE ONLY tidewheel_asset.approvals
    ADD CONSTRAINT uq_approvals_version_gate UNIQUE (version, gate);
ALTER TABLE ONLY tidewheel_asset.deployment_history
    ADD CONSTRAINT uq_deployment_history_service_revision UNIQUE (service, revision);
ALTER TABLE ONLY tidewheel_asset.environment_history
    ADD CONSTRAINT uq_environment_history_model_environment_revision UNIQUE (model, environment, revision);
ALTER TABLE ONLY tidewheel_asset.versions
    ADD CONSTRAINT uq_versions_run UNIQUE (run);
CREATE INDEX ix_alerts_service_closed ON tidewheel_asset.alerts USING btree (service, closed);
CREATE INDEX ix_notes_sent_seq ON tidewheel_asset.notes USING btree (sent, seq);
CREATE INDEX ix_notes_subject_seq ON tidewheel_asset.notes USING btree (subject, seq);
CREATE INDEX ix_run_steps_key ON tidewheel_asset.run_steps USING btree (key);
CREATE INDEX ix_runs_key ON tidewheel_asset.runs USING btree (key);
CREATE INDEX ix_runs_model_started ON tidewheel_asset.runs USING btree (model, started);
CREATE INDEX ix_service_versions_service ON tidewheel_asset.service_versions USING btree (service);
CREATE INDEX ix_trials_search ON tidewheel_asset.trials USING btree (search);
CREATE INDEX ix_version_notes_model_number ON tidewheel_asset.version_notes USING btree (model, number);
CREATE INDEX ix_versions_bundle ON tidewheel_asset.versions USING btree (bundle);
ALTER TABLE ONLY tidewheel_asset.deployments
    ADD CONSTRAINT fk_deployments_service_version FOREIGN KEY (service_version) REFERENCES tidewheel_asset.service_versions(digest);
ALTER TABLE ONLY tidewheel_asset.groups
    ADD CONSTRAINT fk_groups_graph FOREIGN KEY (graph) REFERENCES tidewheel_asset.graphs(digest);
ALTER TABLE ONLY tidewheel_asset.job_runs
    ADD CONSTRAINT fk_job_runs_job FOREIGN KEY (job) REFERENCES tidewheel_asset.jobs(name);
ALTER TABLE ONLY tidewheel_asset.live_graphs
    ADD CONSTRAINT fk_live_graphs_digest FOREIGN KEY (digest) REFERENCES tidewheel_asset.graphs(digest);
ALTER TABLE ONLY tidewheel_asset.run_metrics
    ADD CONSTRAINT fk_run_metrics_run FOREIGN KEY (run) REFERENCES tidewheel_asset.runs(id);
ALTER TABLE ONLY tidewheel_asset.run_steps
    ADD CONSTRAINT fk_run_steps_run FOREIGN KEY (run) REFERENCES tidewheel_asset.runs(id);
ALTER TABLE ONLY tidewheel_asset.service_versions
    ADD CONSTRAINT fk_service_versions_graph FOREIGN KEY (graph) REFERENCES tidewheel_asset.graphs(digest);
ALTER TABLE ONLY tidewheel_asset.trials
    ADD CONSTRAINT fk_trials_run FOREIGN KEY (run) REFERENCES tidewheel_asset.runs(id);
ALTER TABLE ONLY tidewheel_asset.versions
    ADD CONSTRAINT fk_versions_run FOREIGN KEY (run) REFERENCES tidewheel_asset.runs(id);
