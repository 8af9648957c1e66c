CREATE SCHEMA tidewheel_asset;
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
INSERT INTO tidewheel_asset.alembic_version VALUES ('0003');
INSERT INTO tidewheel_asset.approvals VALUES (1, 'SentBack@1', 'ask(head@shop)', '01M82H1W25EEKXYF', '["head@shop"]', 'average_precision 0.2837, roc_auc 0.6357 on 141 test rows, the first to be deployed', '{"average_precision":[0.28369387444553745,0.17398810212196963,0.4509077560758463],"roc_auc":[0.6357458912768648,0.5087283749166579,0.7459772372179219]}', 1795381336781300, 1795986136781300, 'approved', 1795381390816690, 'head@shop', 'seen');
INSERT INTO tidewheel_asset.approvals VALUES (2, 'SentBack@2', 'ask(head@shop)', '01M82H29JN1NFQ1C', '["head@shop"]', 'average_precision 0.2985, roc_auc 0.6501 on 141 test rows, the first to be deployed', '{"average_precision":[0.29849210759296263,0.20634578768996356,0.48314509109768494],"roc_auc":[0.650126422250316,0.5622998057362464,0.7557748538011696]}', 1795381355117913, 1795986155117913, 'approved', 1795381391627278, 'head@shop', '');
INSERT INTO tidewheel_asset.approvals VALUES (3, 'SentBack@3', 'ask(head@shop)', '01M82H2VWNEN6PFX', '["head@shop"]', 'average_precision 0.271, roc_auc 0.6425 on 141 test rows, the first to be deployed', '{"average_precision":[0.2710254130874063,0.1876611357149997,0.41799994575609506],"roc_auc":[0.6425410872313527,0.5435406781117988,0.725126843966767]}', 1795381380395897, 1795986180395897, 'rejected', 1795381392598114, 'head@shop', 'odd');
INSERT INTO tidewheel_asset.counters VALUES ('pointers', 5);
INSERT INTO tidewheel_asset.counters VALUES ('tokens', 4);
INSERT INTO tidewheel_asset.datasets VALUES ('236b190359439e56aeba832c4aa5281e909d4f224f65eff9c7d27d0fd174ff6b', 'SentBack', '7c077b5736fe9e83', 774, 1795381325713401, '{"columns":["amount","category","customer.orders_30d","customer.spent_30d","customer.mean_90d","customer.returns_90d","customer.idle","over_mean"],"counts":{"decided":0,"gap":68,"immature":58,"labelled":842,"rows":900,"test":141,"train":633},"log_head":1053,"tables":{"Customer":-1,"Order":0,"Return":0}}', 1795381336288496, 'ee2701115cf450c21869923ba221cade7305c102db902d9e3c8e68e3b2b1b7b9');
INSERT INTO tidewheel_asset.deleted_versions VALUES ('SentBack', 3, 'rejected', 1795381396517965, 'ana');
INSERT INTO tidewheel_asset.deployment_history VALUES (1, 'Screen', 1, 'deploy', 'null', '{"service":"Screen","revision":1,"service_version":"89e996cfbc64bf0b","champion":"SentBack@1","previous":"","previous_service_version":"","challenger":"","challenger_service_version":"","share":0.0,"mode":"none","salt":"","killed":false,"since":1795381400914462,"cause":"first","who":"ana"}', 1795381400914462, 'first', 'ana');
INSERT INTO tidewheel_asset.deployment_history VALUES (2, 'Screen', 2, 'canary', '{"service":"Screen","revision":1,"service_version":"89e996cfbc64bf0b","champion":"SentBack@1","previous":"","previous_service_version":"","challenger":"","challenger_service_version":"","share":0.0,"mode":"none","salt":"","killed":false,"since":1795381400914462,"cause":"first","who":"ana"}', '{"service":"Screen","revision":2,"service_version":"89e996cfbc64bf0b","champion":"SentBack@1","previous":"","previous_service_version":"","challenger":"SentBack@2","challenger_service_version":"89e996cfbc64bf0b","share":0.1,"mode":"canary","salt":"SentBack@2/2","killed":false,"since":1795381409124425,"cause":"weekly","who":"ana"}', 1795381409124425, 'weekly', 'ana');
INSERT INTO tidewheel_asset.deployments VALUES ('Screen', 2, '89e996cfbc64bf0b', 'SentBack@1', '', '', 'SentBack@2', '89e996cfbc64bf0b', 0.1, 'canary', 'SentBack@2/2', false, 1795381409124425, 'weekly', 'ana');
INSERT INTO tidewheel_asset.environment_history VALUES (1, 'SentBack', 'production', 1, NULL, 1, 1795381393924937, 'first', 'ana');
INSERT INTO tidewheel_asset.environment_history VALUES (2, 'SentBack', 'staging', 1, NULL, 2, 1795381394656960, '', 'ana');
INSERT INTO tidewheel_asset.environments VALUES ('SentBack', 'production', 1, 1, 1795381393924937, 'first', 'ana');
INSERT INTO tidewheel_asset.environments VALUES ('SentBack', 'staging', 2, 1, 1795381394656960, '', 'ana');
INSERT INTO tidewheel_asset.graphs VALUES ('c8df91436cc702c5', '{"groups":[{"by":["Customer"],"doc":"What a customer did before. Computed once; the same in training, streaming and serving.","features":[{"name":"orders_30d","type":"FeatureColumn","value":{"hop":86400000000,"keys":[["customer"]],"op":"count","q":0.0,"source":"Order","type":"Aggregate","window":2592000000000}},{"name":"spent_30d","type":"FeatureColumn","value":{"hop":86400000000,"keys":[["customer"]],"op":"sum","q":0.0,"source":"Order","type":"Aggregate","value":{"path":["amount"],"type":"Col"},"window":2592000000000}},{"name":"mean_90d","type":"FeatureColumn","value":{"hop":432000000000,"keys":[["customer"]],"op":"mean","q":0.0,"source":"Order","type":"Aggregate","value":{"path":["amount"],"type":"Col"},"window":7776000000000}},{"name":"returns_90d","type":"FeatureColumn","value":{"hop":432000000000,"keys":[["order","customer"]],"op":"count","q":0.0,"source":"Return","type":"Aggregate","window":7776000000000}},{"name":"idle","type":"FeatureColumn","value":{"keys":[["customer"]],"op":"time_since_last","q":0.0,"source":"Order","type":"Aggregate"}}],"file":"project.py","line":40,"name":"CustomerHistory","type":"Group"}],"models":[{"doc":"The order is returned within two weeks.","estimator":"lightgbm.sklearn.LGBMClassifier(boosting_type=''gbdt'', class_weight=None, colsample_bytree=1.0, importance_type=''split'', learning_rate=0.1, max_depth=-1, min_child_samples=20, min_child_weight=0.001, min_split_gain=0.0, n_estimators=5, n_jobs=None, num_leaves=7, objective=None, random_state=None, reg_alpha=0.0, reg_lambda=0.0, subsample=1.0, subsample_for_bin=200000, subsample_freq=0, verbose=-1)","file":"project.py","gates":[{"kind":"at_least","metric":"roc_auc","type":"Gate","value":0.5},{"approvers":["head@shop"],"expires":604800000000,"kind":"ask","type":"Gate"}],"label":{"kind":"happened","path":["order"],"source":"Return","type":"Label","within":1209600000000},"line":59,"metrics":["average_precision","roc_auc"],"name":"SentBack","retrain":{"canary":0.1,"every":"weekly","margin":0.0,"metric":"average_precision","on_drift":0.0,"type":"Retrain","watch":604800000000},"search":"{\"learning_rate\":{\"high\":0.3,\"kind\":\"log\",\"low\":0.05}}","split":{"gap":1209600000000,"test":2592000000000,"type":"Split"},"trials":2,"type":"Model","view":"OrderView"}],"services":[{"deadline":20000,"doc":"Post an order, get ship / check.","explore":0.0,"fallback":[{"kind":"previous","model":"SentBack","type":"Fallback"},{"action":"ship","kind":"action","type":"Fallback"}],"file":"project.py","line":73,"model":"SentBack","name":"Screen","on":"Order","rule_view":null,"rules":[],"thresholds":[["ship",0.0],["check",0.5]],"type":"Service"}],"sources":[{"columns":[{"kind":"id","name":"id","type":"Column"}],"entity":true,"file":"project.py","line":20,"name":"Customer","type":"Source"},{"columns":[{"kind":"id","name":"id","type":"Column"},{"kind":"ref","name":"customer","target":"Customer","type":"Column"},{"kind":"category","name":"category","type":"Column"},{"kind":"float","name":"amount","type":"Column"}],"doc":"An order, as the shop took it.","file":"project.py","line":24,"name":"Order","type":"Source"},{"columns":[{"kind":"id","name":"id","type":"Column"},{"kind":"ref","name":"order","target":"Order","type":"Column"}],"doc":"The customer sent an order back; comes days later.","file":"project.py","line":33,"name":"Return","type":"Source"}],"type":"Graph","views":[{"columns":[{"name":"amount","type":"ViewColumn","value":{"path":["amount"],"type":"Col"}},{"name":"category","text":true,"type":"ViewColumn","value":{"path":["category"],"type":"Col"}},{"name":"customer.orders_30d","type":"ViewColumn","value":{"alias":"customer","name":"orders_30d","type":"Feature"}},{"name":"customer.spent_30d","type":"ViewColumn","value":{"alias":"customer","name":"spent_30d","type":"Feature"}},{"name":"customer.mean_90d","type":"ViewColumn","value":{"alias":"customer","name":"mean_90d","type":"Feature"}},{"name":"customer.returns_90d","type":"ViewColumn","value":{"alias":"customer","name":"returns_90d","type":"Feature"}},{"name":"customer.idle","type":"ViewColumn","value":{"alias":"customer","name":"idle","type":"Feature"}},{"name":"over_mean","type":"ViewColumn","value":{"args":[{"path":["amount"],"type":"Col"},{"alias":"customer","name":"mean_90d","type":"Feature"}],"op":"div","type":"Call"}}],"doc":"What the model sees of one order.","file":"project.py","line":50,"lookups":[{"alias":"customer","group":"CustomerHistory","keys":[["customer"]],"type":"Lookup"}],"name":"OrderView","on":"Order","type":"View"}]}', 1795381316065742);
INSERT INTO tidewheel_asset.groups VALUES ('ff606852c5748734', 'CustomerHistory', 'c8df91436cc702c5', 'live', 1795381316162398);
INSERT INTO tidewheel_asset.jobs VALUES ('upkeep of the lake', '{"every":"daily","at":"03:00","tz":"UTC","weekday":0,"day":1,"interval":0,"cron":"","missed":"latest"}', 1795381422277742);
INSERT INTO tidewheel_asset.jobs VALUES ('parity Screen', '{"every":"interval","at":"00:00","tz":"UTC","weekday":0,"day":1,"interval":3600000000,"cron":"","missed":"latest"}', 1795381422486638);
INSERT INTO tidewheel_asset.jobs VALUES ('tidy', '{"every":"daily","at":"00:00","tz":"UTC","weekday":0,"day":1,"interval":0,"cron":"","missed":"latest"}', 1795381422767938);
INSERT INTO tidewheel_asset.jobs VALUES ('retrain SentBack', '{"every":"weekly","at":"00:00","tz":"UTC","weekday":0,"day":1,"interval":0,"cron":"","missed":"latest"}', 1795381422982172);
INSERT INTO tidewheel_asset.jobs VALUES ('rollout Screen', '{"every":"interval","at":"00:00","tz":"UTC","weekday":0,"day":1,"interval":60000000,"cron":"","missed":"latest"}', 1795381423601454);
INSERT INTO tidewheel_asset.jobs VALUES ('drift Screen', '{"every":"interval","at":"00:00","tz":"UTC","weekday":0,"day":1,"interval":172800000000,"cron":"","missed":"latest"}', 1795381423968011);
INSERT INTO tidewheel_asset.jobs VALUES ('canary Screen', '{"every":"daily","at":"00:00","tz":"UTC","weekday":0,"day":1,"interval":0,"cron":"","missed":"latest"}', 1795381424184809);
INSERT INTO tidewheel_asset.live_graphs VALUES (1, 'c8df91436cc702c5', 1795381316082726, 'ana');
INSERT INTO tidewheel_asset.notes VALUES (1, 'definitions.live', 'c8df91436cc702c5', '{"revision":1}', 1795381316082726, 1795381424737340);
INSERT INTO tidewheel_asset.notes VALUES (2, 'run.done', 'SentBack', '{"error":"","run":"01M82H1W25EEKXYF"}', 1795381336781300, 1795381424737340);
INSERT INTO tidewheel_asset.notes VALUES (3, 'approval.asked', 'SentBack@1', '{"approvers":["head@shop"],"expires":1795986136781300,"gate":"ask(head@shop)"}', 1795381336781300, 1795381424737340);
INSERT INTO tidewheel_asset.notes VALUES (4, 'version.registered', 'SentBack', '{"bundle":"8e87724080222ea528c9b765fb48bbb8a72f5e19500f13d3c01e2ef1ff5ba1d7","passed":false,"run":"01M82H1W25EEKXYF","version":"SentBack@1"}', 1795381336781300, 1795381424737340);
INSERT INTO tidewheel_asset.notes VALUES (5, 'run.done', 'SentBack', '{"error":"","run":"01M82H29JN1NFQ1C"}', 1795381355117913, 1795381424737340);
INSERT INTO tidewheel_asset.notes VALUES (6, 'approval.asked', 'SentBack@2', '{"approvers":["head@shop"],"expires":1795986155117913,"gate":"ask(head@shop)"}', 1795381355117913, 1795381424737340);
INSERT INTO tidewheel_asset.notes VALUES (7, 'version.registered', 'SentBack', '{"bundle":"e51f24b5f8147f4c948bd36fb60d2c4228531815b24588f67afcbc60423c78c8","passed":false,"run":"01M82H29JN1NFQ1C","version":"SentBack@2"}', 1795381355117913, 1795381424737340);
INSERT INTO tidewheel_asset.notes VALUES (8, 'run.done', 'SentBack', '{"error":"","run":"01M82H2VWNEN6PFX"}', 1795381380395897, 1795381424737340);
INSERT INTO tidewheel_asset.notes VALUES (9, 'approval.asked', 'SentBack@3', '{"approvers":["head@shop"],"expires":1795986180395897,"gate":"ask(head@shop)"}', 1795381380395897, 1795381424737340);
INSERT INTO tidewheel_asset.notes VALUES (10, 'version.registered', 'SentBack', '{"bundle":"b3b09222ccb637b431a7a71661b2c49bf934495ec62222303dd3698df60f0509","passed":false,"run":"01M82H2VWNEN6PFX","version":"SentBack@3"}', 1795381380395897, 1795381424737340);
INSERT INTO tidewheel_asset.notes VALUES (11, 'run.failed', 'SentBack', '{"error":"data: SentBack: none of 0 Order rows can be trained on: there are none","run":"01M82H3M9DDC9R2R"}', 1795381389969577, 1795381424737340);
INSERT INTO tidewheel_asset.notes VALUES (12, 'approval.approved', 'SentBack@1', '{"gate":"ask(head@shop)","note":"seen","who":"head@shop"}', 1795381390816690, 1795381424737340);
INSERT INTO tidewheel_asset.notes VALUES (13, 'approval.approved', 'SentBack@2', '{"gate":"ask(head@shop)","note":"","who":"head@shop"}', 1795381391627278, 1795381424737340);
INSERT INTO tidewheel_asset.notes VALUES (14, 'approval.rejected', 'SentBack@3', '{"gate":"ask(head@shop)","note":"odd","who":"head@shop"}', 1795381392598114, 1795381424737340);
INSERT INTO tidewheel_asset.notes VALUES (15, 'environment.moved', 'SentBack', '{"after":1,"before":null,"environment":"production","model":"SentBack","revision":1,"who":"ana","why":"first"}', 1795381393924937, 1795381424737340);
INSERT INTO tidewheel_asset.notes VALUES (16, 'environment.moved', 'SentBack', '{"after":2,"before":null,"environment":"staging","model":"SentBack","revision":1,"who":"ana","why":""}', 1795381394656960, 1795381424737340);
INSERT INTO tidewheel_asset.notes VALUES (17, 'version.tagged', 'SentBack', '{"removed":[],"tags":{"team":"returns"},"version":"SentBack@2","who":"ana"}', 1795381395264825, 1795381424737340);
INSERT INTO tidewheel_asset.notes VALUES (18, 'version.deleted', 'SentBack', '{"version":"SentBack@3","who":"ana","why":"rejected"}', 1795381396517965, 1795381424737340);
INSERT INTO tidewheel_asset.notes VALUES (19, 'deployment.deploy', 'Screen', '{"action":"deploy","cause":"first","challenger":"","champion":"SentBack@1","killed":false,"revision":1,"service_version":"89e996cfbc64bf0b","share":0.0,"who":"ana"}', 1795381400914462, 1795381424737340);
INSERT INTO tidewheel_asset.notes VALUES (20, 'deployment.canary', 'Screen', '{"action":"canary","cause":"weekly","challenger":"SentBack@2","champion":"SentBack@1","killed":false,"revision":2,"service_version":"89e996cfbc64bf0b","share":0.1,"who":"ana"}', 1795381409124425, 1795381424737340);
INSERT INTO tidewheel_asset.notes VALUES (21, 'thresholds.set', 'Screen', '{"cause":"queue","levels":{"check":0.4},"version":1,"who":"ana"}', 1795381417447177, 1795381424737340);
INSERT INTO tidewheel_asset.notes VALUES (22, 'token.created', 'shop', '{"expires":null,"rate":0.0,"scopes":["ingest","decide"],"who":"ana"}', 1795381427870361, NULL);
INSERT INTO tidewheel_asset.notes VALUES (23, 'token.created', 'ops', '{"expires":null,"rate":0.0,"scopes":["read"],"who":"ana"}', 1795381429014584, NULL);
INSERT INTO tidewheel_asset.notes VALUES (24, 'token.rotated', 'shop', '{"grace":86400000000,"who":"ana"}', 1795381430634965, NULL);
INSERT INTO tidewheel_asset.notes VALUES (25, 'token.revoked', 'ops', '{"who":"ana"}', 1795381431885711, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82H1W25EEKXYF', 'test', 'average_precision', 0.28369387444553745, 0.17398810212196963, 0.4509077560758463);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82H1W25EEKXYF', 'test', 'roc_auc', 0.6357458912768648, 0.5087283749166579, 0.7459772372179219);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82H1W25EEKXYF', 'train', 'average_precision', 0.4942694313003973, 0.4058955337128713, 0.5905154591603298);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82H1W25EEKXYF', 'train', 'roc_auc', 0.8130121156943764, 0.7697239226266562, 0.8528451809817049);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82H1W25EEKXYF', 'baseline', 'average_precision', 0.19858156028368795, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82H1W25EEKXYF', 'baseline', 'roc_auc', 0.5, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82H1W25EEKXYF', 'baseline linear', 'average_precision', 0.37822828391589863, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82H1W25EEKXYF', 'baseline linear', 'roc_auc', 0.693109987357775, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82H1W25EEKXYF', 'test', 'calibration_error', 0.034620594053112005, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82H1W25EEKXYF', 'test', 'brier', 0.15663413160720682, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82H29JN1NFQ1C', 'test', 'average_precision', 0.29849210759296263, 0.20634578768996356, 0.48314509109768494);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82H29JN1NFQ1C', 'test', 'roc_auc', 0.650126422250316, 0.5622998057362464, 0.7557748538011696);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82H29JN1NFQ1C', 'train', 'average_precision', 0.5011932367962988, 0.4080490619476356, 0.5882337425745102);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82H29JN1NFQ1C', 'train', 'roc_auc', 0.8171878282792913, 0.7738324063288281, 0.8537468833212596);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82H29JN1NFQ1C', 'baseline', 'average_precision', 0.19858156028368795, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82H29JN1NFQ1C', 'baseline', 'roc_auc', 0.5, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82H29JN1NFQ1C', 'baseline linear', 'average_precision', 0.37822828391589863, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82H29JN1NFQ1C', 'baseline linear', 'roc_auc', 0.693109987357775, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82H29JN1NFQ1C', 'test', 'calibration_error', 0.03547698505607698, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82H29JN1NFQ1C', 'test', 'brier', 0.15511107497270638, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82H29JN1NFQ1C', 'previous', 'average_precision', 0.28369387444553745, 0.19473940265702475, 0.4316487215371791);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82H29JN1NFQ1C', 'previous', 'roc_auc', 0.6357458912768648, 0.5246695408172392, 0.7372801724137932);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82H2VWNEN6PFX', 'test', 'average_precision', 0.2710254130874063, 0.1876611357149997, 0.41799994575609506);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82H2VWNEN6PFX', 'test', 'roc_auc', 0.6425410872313527, 0.5435406781117988, 0.725126843966767);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82H2VWNEN6PFX', 'train', 'average_precision', 0.4873394090994667, 0.4146111258560883, 0.5810626956365869);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82H2VWNEN6PFX', 'train', 'roc_auc', 0.8051509209328385, 0.7697016247266444, 0.8492473486682305);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82H2VWNEN6PFX', 'baseline', 'average_precision', 0.19858156028368795, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82H2VWNEN6PFX', 'baseline', 'roc_auc', 0.5, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82H2VWNEN6PFX', 'baseline linear', 'average_precision', 0.37822828391589863, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82H2VWNEN6PFX', 'baseline linear', 'roc_auc', 0.693109987357775, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82H2VWNEN6PFX', 'test', 'calibration_error', 0.04094089062853087, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82H2VWNEN6PFX', 'test', 'brier', 0.155818048315581, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82H2VWNEN6PFX', 'previous', 'average_precision', 0.29849210759296263, 0.21195812886779317, 0.4552258086695424);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82H2VWNEN6PFX', 'previous', 'roc_auc', 0.650126422250316, 0.5296625344352618, 0.7648995703041336);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82H1W25EEKXYF', 1, 'validate', 1795381325997967, 2.4402353410000615, '900 rows, 0 decided, 842 labelled, 58 immature', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82H1W25EEKXYF', 2, 'data', 1795381328503802, 2.3227630349997526, '900 rows, 0 decided, 842 labelled, 58 immature, 68 gap, 633 train, 141 test', '63725ab660b6d24c7e2d3f6964f8f862d5b871e02d57cacc4fd30df859394689', '3c9bb599b2947e0a02251913dc1718e5971ce9a34513a5293ca3e9f8b16ca71a', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82H1W25EEKXYF', 3, 'split', 1795381330857873, 0.044921661000444146, 'customer.idle: 484 values on 484 train rows, nearly one a row: like an id or a clock, it knows no row to come; customer: 89 of the 89 in the test are in the train rows too, on 100.0% of the test rows', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82H1W25EEKXYF', 4, 'tune', 1795381331126648, 0.7300609469998562, '2 trials; chosen {''learning_rate'': 0.13366875980837895}', 'e86261cd29b546f844f830a91c4dea095893f261ff08be71451965c7a6f44c42', 'ca60a2a3c8feb6a90ec06ee1ec6bb5882f39475bbffefb09738f688eaf13ff70', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82H1W25EEKXYF', 5, 'fit', 1795381331875801, 0.4027312289999827, 'fitted in 0.1 s', '35f3741a7ab8835d0788fcedbdf45ba17914cc878c91568efede0ac0041a4537', '4a96560f8919547f717e0998bfd6f95b6b3a457b295ad583e174f0a1277dbc1b', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82H1W25EEKXYF', 6, 'evaluate', 1795381332331586, 0.7454349069998898, 'average_precision 0.2837, roc_auc 0.6357', 'c4fcebc6311f1c9a133057bd026ba710bcb390083f9878eaebe8499788a39267', 'a8830984d528184da5e4c8d069d308947e01c6dfb35b75cd76fae0592189b3ff', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82H1W25EEKXYF', 7, 'gates', 1795381333124771, 0.6597475859998667, 'at_least(roc_auc, 0.5): passed; ask(head@shop): failed', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82H1W25EEKXYF', 8, 'register', 1795381333873354, 3.294874537999931, '', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82H29JN1NFQ1C', 1, 'validate', 1795381339855671, 4.375956889000008, '900 rows, 0 decided, 842 labelled, 58 immature', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82H29JN1NFQ1C', 2, 'data', 1795381344355974, 0.12370062799982406, 'reused from run 01M82H1W25EEKXYF of 2026-11-22 21:02 UTC: same definitions, same labels, same history up to offset 1053; 900 rows, 0 decided, 842 labelled, 58 immature, 68 gap, 633 train, 141 test', '63725ab660b6d24c7e2d3f6964f8f862d5b871e02d57cacc4fd30df859394689', '3c9bb599b2947e0a02251913dc1718e5971ce9a34513a5293ca3e9f8b16ca71a', '01M82H1W25EEKXYF', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82H29JN1NFQ1C', 3, 'split', 1795381344505524, 0.143478757000139, 'customer.idle: 484 values on 484 train rows, nearly one a row: like an id or a clock, it knows no row to come; customer: 89 of the 89 in the test are in the train rows too, on 100.0% of the test rows', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82H29JN1NFQ1C', 4, 'tune', 1795381344830337, 0.44964246300014565, '2 trials; chosen {''learning_rate'': 0.10555436531487483}', 'a5299d995c017a566d5178683b3eb400ce895c369f11570b5451b8470a734bc4', 'db2d485bb685632a8e227ba20fa57c8f292985ada2824212677aa1450bae04ef', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82H29JN1NFQ1C', 5, 'fit', 1795381345331489, 0.7997856249999131, 'fitted in 0.2 s', '72fa45eae48c59c3572e6c24d26b6413a5efcc6b7cde63850dd4049cce5f9230', '184e1948ba236a38fcc970f027ba1b4befcc7509249279f755243967203a8360', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82H29JN1NFQ1C', 6, 'evaluate', 1795381346113360, 0.2811480189998292, 'average_precision 0.2985, roc_auc 0.6501', '2705295942ffe39441091d3521807229cbc2ff6ff38e28daff3835b5789d4cdb', 'df2e65d96b70b5f5c8704e146879212a32d8a9d1303102899796909b0f873b61', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82H29JN1NFQ1C', 7, 'gates', 1795381346453338, 6.073786697000287, 'at_least(roc_auc, 0.5): passed; ask(head@shop): failed', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82H29JN1NFQ1C', 8, 'register', 1795381352575593, 2.76351786000032, '', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82H2VWNEN6PFX', 1, 'validate', 1795381358786401, 7.144393339000089, '900 rows, 0 decided, 842 labelled, 58 immature', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82H2VWNEN6PFX', 2, 'data', 1795381366016853, 0.16647655800034045, 'reused from run 01M82H29JN1NFQ1C of 2026-11-22 21:02 UTC: same definitions, same labels, same history up to offset 1053; 900 rows, 0 decided, 842 labelled, 58 immature, 68 gap, 633 train, 141 test', '63725ab660b6d24c7e2d3f6964f8f862d5b871e02d57cacc4fd30df859394689', '3c9bb599b2947e0a02251913dc1718e5971ce9a34513a5293ca3e9f8b16ca71a', '01M82H29JN1NFQ1C', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82H2VWNEN6PFX', 3, 'split', 1795381366227398, 0.2220399699999689, 'customer.idle: 484 values on 484 train rows, nearly one a row: like an id or a clock, it knows no row to come; customer: 89 of the 89 in the test are in the train rows too, on 100.0% of the test rows', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82H2VWNEN6PFX', 4, 'tune', 1795381366714346, 0.8780933769999137, '2 trials; chosen {''learning_rate'': 0.10920436116002988}', '2275e5739e90df0dc66f375c39a7481574f0c93e36ec4e96e1f08a0ef0182bfa', 'a1f899415bdd7fa6ed6be94bcde1ebc7d8a1d8049961a6e63892d5c9ff4cd5dd', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82H2VWNEN6PFX', 5, 'fit', 1795381367681904, 0.6040884410003855, 'fitted in 0.1 s', '725cbdf6ae72617a1db262c9d22b3d3c30fecfad291a41cbe7a5444a29bc35dc', 'a407123f0b9c1fbce554912a832652f060757b59d79a3ce0896937417b7b7e1f', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82H2VWNEN6PFX', 6, 'evaluate', 1795381368312274, 0.8449114000000009, 'average_precision 0.271, roc_auc 0.6425', 'f0ed60c7f725e6685c029557701626341e94be84ad9eb452e118adac4f12fae2', '8ec95a7185339ff2ba7e464591d226cd53c20d1feab3685ae7009c16ecd93797', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82H2VWNEN6PFX', 7, 'gates', 1795381369194517, 8.183824808999816, 'at_least(roc_auc, 0.5): passed; ask(head@shop): failed', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82H2VWNEN6PFX', 8, 'register', 1795381377440200, 3.3020917429998917, '', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82H3M9DDC9R2R', 1, 'validate', 1795381383597956, 6.041202227999747, '0 rows, 0 decided, 0 labelled', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82H3M9DDC9R2R', 2, 'data', 1795381389761869, 0.14890052300006573, '', '48f6f538c6a982d56361e7ba613af0dccbda337f05f73e8fd6f2c25be9de3a45', '', '', 'failed', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82H1W25EEKXYF', 9, 'approve', 1795381336781300, 54.03539, 'ask(head@shop) approved by head@shop', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82H29JN1NFQ1C', 9, 'approve', 1795381355117913, 36.509365, 'ask(head@shop) approved by head@shop', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82H2VWNEN6PFX', 9, 'approve', 1795381380395897, 12.202217, 'ask(head@shop) rejected by head@shop', '', '', '', 'failed', 1);
INSERT INTO tidewheel_asset.runs VALUES ('01M82H1W25EEKXYF', 'SentBack', 'done', 1795381325893211, 1795381336781300, '', 'ana', '', '{"chosen":{"learning_rate":0.13366875980837895},"estimator":"LGBMClassifier","fitted":{"boosting_type":"gbdt","class_weight":null,"colsample_bytree":1.0,"deterministic":true,"force_row_wise":true,"importance_type":"split","learning_rate":0.13366875980837895,"max_depth":-1,"min_child_samples":20,"min_child_weight":0.001,"min_split_gain":0.0,"n_estimators":5,"n_jobs":1,"num_leaves":7,"objective":null,"random_state":0,"reg_alpha":0.0,"reg_lambda":0.0,"subsample":1.0,"subsample_for_bin":200000,"subsample_freq":0,"verbose":-1},"notes":[],"parents":{},"prior":1.0,"seed":0,"test_rows":"d40e43994da4732b98ec7494c1d02ef7129f48a31326e8703b02629749ca2505","threads":1,"trials":2,"warnings":["customer.idle: 484 values on 484 train rows, nearly one a row: like an id or a clock, it knows no row to come"],"workers":1}', '{"as_of":1795381325713401,"commit":"","dataset":"236b190359439e56aeba832c4aa5281e909d4f224f65eff9c7d27d0fd174ff6b","definitions":{"entity Customer":"bdd922ee5a2a8e69","event Order":"f0e56ffe684dc88f","event Return":"10f4de563d4820b4","features CustomerHistory":"9e49248aaf2d473d","files":"f06cca6b174aaf4078dd1333d0ea485e197967811588183269f1b08b14c185a4","model SentBack":"11dd45c77f927d57","view OrderView":"7c077b5736fe9e83"},"dirty_patch":"","libraries":{"lightgbm":"4.7.0","numba":"0.68.1","numpy":"2.4.6","optuna":"5.0.0","processor":"x86_64","pyarrow":"26.0.1","python":"3.11.7","scikit-learn":"1.9.1","scipy":"1.17.1","tidewheel":"0.1.0"},"log_head":1053,"parents":{},"rows":{"decided":0,"gap":68,"immature":58,"labelled":842,"rows":900,"test":141,"train":633},"seed":0,"tables":{"Customer":-1,"Order":0,"Return":0},"timings":{"data":2.323,"evaluate":0.745,"fit":0.403,"gates":0.66,"split":0.045,"tune":0.73,"validate":2.44}}', '[{"approvers":[],"blessing":"good","detail":"roc_auc is 0.6357 [0.5087, 0.746] on 141 test rows; at least 0.5 is asked","evidence":{"value":0.6357458912768648},"expires":0,"gate":"at_least(roc_auc, 0.5)","passed":true},{"approvers":["head@shop"],"blessing":"good","detail":"average_precision 0.2837, roc_auc 0.6357 on 141 test rows, the first to be deployed","evidence":{"average_precision":[0.28369387444553745,0.17398810212196963,0.4509077560758463],"roc_auc":[0.6357458912768648,0.5087283749166579,0.7459772372179219]},"expires":604800000000,"gate":"ask(head@shop)","passed":false}]', '{"bundle":"8e87724080222ea528c9b765fb48bbb8a72f5e19500f13d3c01e2ef1ff5ba1d7","calibration":"6c7c5d28cd84e0bd41dc9cd0218ba947e9b7885f55983308b067af273e5b2a6d","environment":"b38f140f02e417ef7730bcd4ecaa7ce683658550d0500d1bd1975f69386f8e27","evaluation":"1cf1552b977be6523f26f61ddc95a995dc986b990edbae3063ee636c82bc3a17","findings":"777ecf47cb2289123b91c6dc7b3e9c6a3b924fb930e2c710de3a851d055dd52d","held_out":"d81883b25a5760d1401a720c3124e33d031579b0e5b5206323dbb232f458e82a","importance":"3fef13e70952a5014c49487be96c8efa34bbfec1b0e1321d83f6c4c00d010f8a","model.txt":"7d5555dbe9ab9f8690023c0c2737344c1b11b83714cf08b5020ce4ecb5d8d08f","predictions":"f543f33cdeebe05e335d470289c080264eff479626f5676a69b47c3f39fd0974","trials":"b00be0026708b31848423c07a456f98cd39c08835c92631bba4d4470d6eb21d1","tuning":"6db36af9d914ad40ed36921820b32626982dd0187bb880aa555aa976bbede3d6"}', '', 'be4a290d7d834ccac29f766dab10408f6045ffc982c4fba2891dacab4bc3969a', 'vm d201a8fd-14d4-4f97-8323-84d7b00d1d61 5375 221132', 1795381325893281);
INSERT INTO tidewheel_asset.runs VALUES ('01M82H29JN1NFQ1C', 'SentBack', 'done', 1795381339733807, 1795381355117913, '', 'ana', '', '{"chosen":{"learning_rate":0.10555436531487483},"estimator":"LGBMClassifier","fitted":{"boosting_type":"gbdt","class_weight":null,"colsample_bytree":1.0,"deterministic":true,"force_row_wise":true,"importance_type":"split","learning_rate":0.10555436531487483,"max_depth":-1,"min_child_samples":20,"min_child_weight":0.001,"min_split_gain":0.0,"n_estimators":5,"n_jobs":1,"num_leaves":7,"objective":null,"random_state":1,"reg_alpha":0.0,"reg_lambda":0.0,"subsample":1.0,"subsample_for_bin":200000,"subsample_freq":0,"verbose":-1},"notes":[],"parents":{},"prior":1.0,"seed":1,"test_rows":"d40e43994da4732b98ec7494c1d02ef7129f48a31326e8703b02629749ca2505","threads":1,"trials":2,"warnings":["customer.idle: 484 values on 484 train rows, nearly one a row: like an id or a clock, it knows no row to come"],"workers":1}', '{"as_of":1795381339537883,"commit":"","dataset":"236b190359439e56aeba832c4aa5281e909d4f224f65eff9c7d27d0fd174ff6b","definitions":{"entity Customer":"bdd922ee5a2a8e69","event Order":"f0e56ffe684dc88f","event Return":"10f4de563d4820b4","features CustomerHistory":"9e49248aaf2d473d","files":"f06cca6b174aaf4078dd1333d0ea485e197967811588183269f1b08b14c185a4","model SentBack":"11dd45c77f927d57","view OrderView":"7c077b5736fe9e83"},"dirty_patch":"","libraries":{"lightgbm":"4.7.0","numba":"0.68.1","numpy":"2.4.6","optuna":"5.0.0","processor":"x86_64","pyarrow":"26.0.1","python":"3.11.7","scikit-learn":"1.9.1","scipy":"1.17.1","tidewheel":"0.1.0"},"log_head":1053,"parents":{},"rows":{"decided":0,"gap":68,"immature":58,"labelled":842,"rows":900,"test":141,"train":633},"seed":1,"tables":{"Customer":-1,"Order":0,"Return":0},"timings":{"data":0.124,"evaluate":0.281,"fit":0.8,"gates":6.074,"split":0.143,"tune":0.45,"validate":4.376}}', '[{"approvers":[],"blessing":"good","detail":"roc_auc is 0.6501 [0.5623, 0.7558] on 141 test rows; at least 0.5 is asked","evidence":{"value":0.650126422250316},"expires":0,"gate":"at_least(roc_auc, 0.5)","passed":true},{"approvers":["head@shop"],"blessing":"good","detail":"average_precision 0.2985, roc_auc 0.6501 on 141 test rows, the first to be deployed","evidence":{"average_precision":[0.29849210759296263,0.20634578768996356,0.48314509109768494],"roc_auc":[0.650126422250316,0.5622998057362464,0.7557748538011696]},"expires":604800000000,"gate":"ask(head@shop)","passed":false}]', '{"bundle":"e51f24b5f8147f4c948bd36fb60d2c4228531815b24588f67afcbc60423c78c8","calibration":"f3113177140f624038688d86e34b8662f8e2f228d4e3e5b396634ed88da2bee6","environment":"b38f140f02e417ef7730bcd4ecaa7ce683658550d0500d1bd1975f69386f8e27","evaluation":"db4179b6ec7b9e451482189f10731278b6f53b616d00d8802d8ad2b09aa0de1c","findings":"777ecf47cb2289123b91c6dc7b3e9c6a3b924fb930e2c710de3a851d055dd52d","held_out":"ec1f3c918fe4621d39406b94301578f45173b2f04ec1f4093795cee7fe3a463f","importance":"1f4bf5164d7536a02dd7df8ccf0a6aa971d7f7dceaefdba92e9566be1dbaf776","model.txt":"544f7f9a0f1b59c8ee9d09397f7535a6e548e7d11c2e88c8f2c11ca19fb05889","predictions":"6ed24d1bb0d6db352a5cbcbea648c52843a3d6cf45a0bea938dd45391861cab5","trials":"f36d2df8d666bf388dd70b86f54a0195202b99a0091476f9d9e56e666236682e","tuning":"a8ba91b5a5effc1df76150ea15c6f66b5b160029724dbf8d98e900ad66daa700"}', '', '843f693f3b233910f3cbeceb9a4f9210879215b94d470f8fab4f39096d4da2de', 'vm d201a8fd-14d4-4f97-8323-84d7b00d1d61 5375 221132', 1795381339733883);
INSERT INTO tidewheel_asset.runs VALUES ('01M82H2VWNEN6PFX', 'SentBack', 'done', 1795381358485847, 1795381380395897, '', 'ana', '', '{"chosen":{"learning_rate":0.10920436116002988},"estimator":"LGBMClassifier","fitted":{"boosting_type":"gbdt","class_weight":null,"colsample_bytree":1.0,"deterministic":true,"force_row_wise":true,"importance_type":"split","learning_rate":0.10920436116002988,"max_depth":-1,"min_child_samples":20,"min_child_weight":0.001,"min_split_gain":0.0,"n_estimators":5,"n_jobs":1,"num_leaves":7,"objective":null,"random_state":2,"reg_alpha":0.0,"reg_lambda":0.0,"subsample":1.0,"subsample_for_bin":200000,"subsample_freq":0,"verbose":-1},"notes":[],"parents":{},"prior":1.0,"seed":2,"test_rows":"d40e43994da4732b98ec7494c1d02ef7129f48a31326e8703b02629749ca2505","threads":1,"trials":2,"warnings":["customer.idle: 484 values on 484 train rows, nearly one a row: like an id or a clock, it knows no row to come"],"workers":1}', '{"as_of":1795381358238227,"commit":"","dataset":"236b190359439e56aeba832c4aa5281e909d4f224f65eff9c7d27d0fd174ff6b","definitions":{"entity Customer":"bdd922ee5a2a8e69","event Order":"f0e56ffe684dc88f","event Return":"10f4de563d4820b4","features CustomerHistory":"9e49248aaf2d473d","files":"f06cca6b174aaf4078dd1333d0ea485e197967811588183269f1b08b14c185a4","model SentBack":"11dd45c77f927d57","view OrderView":"7c077b5736fe9e83"},"dirty_patch":"","libraries":{"lightgbm":"4.7.0","numba":"0.68.1","numpy":"2.4.6","optuna":"5.0.0","processor":"x86_64","pyarrow":"26.0.1","python":"3.11.7","scikit-learn":"1.9.1","scipy":"1.17.1","tidewheel":"0.1.0"},"log_head":1053,"parents":{},"rows":{"decided":0,"gap":68,"immature":58,"labelled":842,"rows":900,"test":141,"train":633},"seed":2,"tables":{"Customer":-1,"Order":0,"Return":0},"timings":{"data":0.166,"evaluate":0.845,"fit":0.604,"gates":8.184,"split":0.222,"tune":0.878,"validate":7.144}}', '[{"approvers":[],"blessing":"good","detail":"roc_auc is 0.6425 [0.5435, 0.7251] on 141 test rows; at least 0.5 is asked","evidence":{"value":0.6425410872313527},"expires":0,"gate":"at_least(roc_auc, 0.5)","passed":true},{"approvers":["head@shop"],"blessing":"good","detail":"average_precision 0.271, roc_auc 0.6425 on 141 test rows, the first to be deployed","evidence":{"average_precision":[0.2710254130874063,0.1876611357149997,0.41799994575609506],"roc_auc":[0.6425410872313527,0.5435406781117988,0.725126843966767]},"expires":604800000000,"gate":"ask(head@shop)","passed":false}]', '{"bundle":"b3b09222ccb637b431a7a71661b2c49bf934495ec62222303dd3698df60f0509","calibration":"f963129ed59be74ff131b6fc7b6df3a77eba355a83be03851909c246c084bf5f","environment":"b38f140f02e417ef7730bcd4ecaa7ce683658550d0500d1bd1975f69386f8e27","evaluation":"11a9a3865d32c1136a9318d30174f6dc6a534588e77665920b129c949abd7a1e","findings":"777ecf47cb2289123b91c6dc7b3e9c6a3b924fb930e2c710de3a851d055dd52d","held_out":"6d08b47e62b3f8ef1d3eb053e74450b1263fd538c34fc803b0f55950a2d63191","importance":"3ec957ed5e6cd3f9ce9e6a8fb62513370465023b94fc09c1a46b2aace4aade58","model.txt":"52d238cea291d81b9bf54e9f764496a814cd0da2983dc464ed22e14fd5968ab5","predictions":"02b23027008fb0ffda166908440b0c70b9c33d7ced03b9bb25e7161ebb9fad24","trials":"21de1c6da04ba563a6ede2241ab75eadb85dc6f0686365c61dc635e8265d4ebd","tuning":"3c95f17e3c8e53357de471ddbccb03b13ec36b501259b49ad61481fa4beae27c"}', '', 'b56cfe70a0e74e761b19745ea29ea51086ae40001d297d1203b056e513498791', 'vm d201a8fd-14d4-4f97-8323-84d7b00d1d61 5375 221132', 1795381378811216);
INSERT INTO tidewheel_asset.runs VALUES ('01M82H3M9DDC9R2R', 'SentBack', 'failed', 1795381383469766, 1795381389969577, '', 'ana', '', '{"as_of":978307200000000,"head":1053,"parents":{},"seed":0}', '{"as_of":0,"commit":"","dataset":"","definitions":{},"dirty_patch":"","libraries":{},"log_head":0,"parents":{},"rows":{},"seed":0,"tables":{},"timings":{}}', '[]', '{}', 'data: SentBack: none of 0 Order rows can be trained on: there are none', 'a2b3db89d76994fccc92790a955d749383079de7e6216f332ef4ae0b30fc03e6', 'vm d201a8fd-14d4-4f97-8323-84d7b00d1d61 5375 221132', 1795381383469836);
INSERT INTO tidewheel_asset.service_versions VALUES ('89e996cfbc64bf0b', 'Screen', '{"deadline":20000,"doc":"Post an order, get ship / check.","explore":0.0,"fallback":[{"kind":"previous","model":"SentBack","type":"Fallback"},{"action":"ship","kind":"action","type":"Fallback"}],"file":"project.py","line":73,"model":"SentBack","name":"Screen","on":"Order","rule_view":null,"rules":[],"thresholds":[["ship",0.0],["check",0.5]],"type":"Service"}', 'c8df91436cc702c5', 1795381400636889);
INSERT INTO tidewheel_asset.thresholds VALUES ('Screen', 1, '{"check":0.4}', 1795381417447177, 'queue', 'ana');
INSERT INTO tidewheel_asset.tokens VALUES ('shop', 'ingest,decide', '0e572a12ce99437289d723d85baf076438bceeda2038d690aa3f20d7b145d400', '64e0cf600f49bef9dd92631e4a913f9417e45cdbbc8174f4168e7db87c833e71', 1795467830385253, 0, 1795381427727601, NULL, NULL, 'ana');
INSERT INTO tidewheel_asset.tokens VALUES ('ops', 'read', '61b51bd3eb31a93913770d60cd11913294c801075ad0c2576b0cdcc73f6a5bb0', '', NULL, 0, 1795381428587256, NULL, 1795381431834997, 'ana');
INSERT INTO tidewheel_asset.trials VALUES ('01M82H1W25EEKXYF', 0, 'cce2db1ad2500153ce07417bb0a50b75a7a3da8ead7ab50beeb162a4d4b794e1', 'complete', '{"learning_rate":0.1}', '[]', '', 0.2670006778613322, 0.13280443600024228, 1795381331491427);
INSERT INTO tidewheel_asset.trials VALUES ('01M82H1W25EEKXYF', 1, 'cce2db1ad2500153ce07417bb0a50b75a7a3da8ead7ab50beeb162a4d4b794e1', 'complete', '{"learning_rate":0.13366875980837895}', '[]', '', 0.2720084482775403, 0.14148092699997505, 1795381331717034);
INSERT INTO tidewheel_asset.trials VALUES ('01M82H29JN1NFQ1C', 0, 'a9db6a546f112cc9e959d2628e67fb7ceff44da588b78367499c404c429a656d', 'complete', '{"learning_rate":0.1}', '[]', '', 0.2670006778613322, 0.15524105600024996, 1795381345207422);
INSERT INTO tidewheel_asset.trials VALUES ('01M82H29JN1NFQ1C', 1, 'a9db6a546f112cc9e959d2628e67fb7ceff44da588b78367499c404c429a656d', 'complete', '{"learning_rate":0.10555436531487483}', '[]', '', 0.28662899767745026, 0.01277555399974517, 1795381345227354);
INSERT INTO tidewheel_asset.trials VALUES ('01M82H2VWNEN6PFX', 0, 'd2ffd1f3e2df03c130117971749011ee6d779dbe396e862376c754dd1f51b445', 'complete', '{"learning_rate":0.1}', '[]', '', 0.2670006778613322, 0.07097488800036444, 1795381367417149);
INSERT INTO tidewheel_asset.trials VALUES ('01M82H2VWNEN6PFX', 1, 'd2ffd1f3e2df03c130117971749011ee6d779dbe396e862376c754dd1f51b445', 'complete', '{"learning_rate":0.10920436116002988}', '[]', '', 0.28662899767745026, 0.028606215999843698, 1795381367479168);
INSERT INTO tidewheel_asset.version_notes VALUES (1, 'SentBack', 2, 'shoes-look-better', 1795381395715302, 'ana');
INSERT INTO tidewheel_asset.version_tags VALUES ('SentBack', 2, 'team', 'returns', 1795381395264825, 'ana');
INSERT INTO tidewheel_asset.versions VALUES ('SentBack', 1, '01M82H1W25EEKXYF', '8e87724080222ea528c9b765fb48bbb8a72f5e19500f13d3c01e2ef1ff5ba1d7', '7c077b5736fe9e83', '11dd45c77f927d57', '[{"high":0.4509077560758463,"low":0.17398810212196963,"metric":"average_precision","split":"test","value":0.28369387444553745},{"high":0.7459772372179219,"low":0.5087283749166579,"metric":"roc_auc","split":"test","value":0.6357458912768648},{"high":0.5905154591603298,"low":0.4058955337128713,"metric":"average_precision","split":"train","value":0.4942694313003973},{"high":0.8528451809817049,"low":0.7697239226266562,"metric":"roc_auc","split":"train","value":0.8130121156943764},{"high":null,"low":null,"metric":"average_precision","split":"baseline","value":0.19858156028368795},{"high":null,"low":null,"metric":"roc_auc","split":"baseline","value":0.5},{"high":null,"low":null,"metric":"average_precision","split":"baseline linear","value":0.37822828391589863},{"high":null,"low":null,"metric":"roc_auc","split":"baseline linear","value":0.693109987357775},{"high":null,"low":null,"metric":"calibration_error","split":"test","value":0.034620594053112005},{"high":null,"low":null,"metric":"brier","split":"test","value":0.15663413160720682}]', '[{"approvers":[],"blessing":"good","detail":"roc_auc is 0.6357 [0.5087, 0.746] on 141 test rows; at least 0.5 is asked","evidence":{"value":0.6357458912768648},"expires":0,"gate":"at_least(roc_auc, 0.5)","passed":true},{"approvers":["head@shop"],"blessing":"good","detail":"average_precision 0.2837, roc_auc 0.6357 on 141 test rows, the first to be deployed","evidence":{"average_precision":[0.28369387444553745,0.17398810212196963,0.4509077560758463],"roc_auc":[0.6357458912768648,0.5087283749166579,0.7459772372179219]},"expires":604800000000,"gate":"ask(head@shop)","passed":false}]', 'ana', 1795381336781300);
INSERT INTO tidewheel_asset.versions VALUES ('SentBack', 2, '01M82H29JN1NFQ1C', 'e51f24b5f8147f4c948bd36fb60d2c4228531815b24588f67afcbc60423c78c8', '78caa17fc688ec26', '11dd45c77f927d57', '[{"high":0.48314509109768494,"low":0.20634578768996356,"metric":"average_precision","split":"test","value":0.29849210759296263},{"high":0.7557748538011696,"low":0.5622998057362464,"metric":"roc_auc","split":"test","value":0.650126422250316},{"high":0.5882337425745102,"low":0.4080490619476356,"metric":"average_precision","split":"train","value":0.5011932367962988},{"high":0.8537468833212596,"low":0.7738324063288281,"metric":"roc_auc","split":"train","value":0.8171878282792913},{"high":null,"low":null,"metric":"average_precision","split":"baseline","value":0.19858156028368795},{"high":null,"low":null,"metric":"roc_auc","split":"baseline","value":0.5},{"high":null,"low":null,"metric":"average_precision","split":"baseline linear","value":0.37822828391589863},{"high":null,"low":null,"metric":"roc_auc","split":"baseline linear","value":0.693109987357775},{"high":null,"low":null,"metric":"calibration_error","split":"test","value":0.03547698505607698},{"high":null,"low":null,"metric":"brier","split":"test","value":0.15511107497270638},{"high":0.4316487215371791,"low":0.19473940265702475,"metric":"average_precision","split":"previous","value":0.28369387444553745},{"high":0.7372801724137932,"low":0.5246695408172392,"metric":"roc_auc","split":"previous","value":0.6357458912768648}]', '[{"approvers":[],"blessing":"good","detail":"roc_auc is 0.6501 [0.5623, 0.7558] on 141 test rows; at least 0.5 is asked","evidence":{"value":0.650126422250316},"expires":0,"gate":"at_least(roc_auc, 0.5)","passed":true},{"approvers":["head@shop"],"blessing":"good","detail":"average_precision 0.2985, roc_auc 0.6501 on 141 test rows, the first to be deployed","evidence":{"average_precision":[0.29849210759296263,0.20634578768996356,0.48314509109768494],"roc_auc":[0.650126422250316,0.5622998057362464,0.7557748538011696]},"expires":604800000000,"gate":"ask(head@shop)","passed":false}]', 'ana', 1795381355117913);
INSERT INTO tidewheel_asset.versions VALUES ('SentBack', 3, '01M82H2VWNEN6PFX', 'b3b09222ccb637b431a7a71661b2c49bf934495ec62222303dd3698df60f0509', '78caa17fc688ec26', '11dd45c77f927d57', '[{"high":0.41799994575609506,"low":0.1876611357149997,"metric":"average_precision","split":"test","value":0.2710254130874063},{"high":0.725126843966767,"low":0.5435406781117988,"metric":"roc_auc","split":"test","value":0.6425410872313527},{"high":0.5810626956365869,"low":0.4146111258560883,"metric":"average_precision","split":"train","value":0.4873394090994667},{"high":0.8492473486682305,"low":0.7697016247266444,"metric":"roc_auc","split":"train","value":0.8051509209328385},{"high":null,"low":null,"metric":"average_precision","split":"baseline","value":0.19858156028368795},{"high":null,"low":null,"metric":"roc_auc","split":"baseline","value":0.5},{"high":null,"low":null,"metric":"average_precision","split":"baseline linear","value":0.37822828391589863},{"high":null,"low":null,"metric":"roc_auc","split":"baseline linear","value":0.693109987357775},{"high":null,"low":null,"metric":"calibration_error","split":"test","value":0.04094089062853087},{"high":null,"low":null,"metric":"brier","split":"test","value":0.155818048315581},{"high":0.4552258086695424,"low":0.21195812886779317,"metric":"average_precision","split":"previous","value":0.29849210759296263},{"high":0.7648995703041336,"low":0.5296625344352618,"metric":"roc_auc","split":"previous","value":0.650126422250316}]', '[{"approvers":[],"blessing":"good","detail":"roc_auc is 0.6425 [0.5435, 0.7251] on 141 test rows; at least 0.5 is asked","evidence":{"value":0.6425410872313527},"expires":0,"gate":"at_least(roc_auc, 0.5)","passed":true},{"approvers":["head@shop"],"blessing":"good","detail":"average_precision 0.271, roc_auc 0.6425 on 141 test rows, the first to be deployed","evidence":{"average_precision":[0.2710254130874063,0.1876611357149997,0.41799994575609506],"roc_auc":[0.6425410872313527,0.5435406781117988,0.725126843966767]},"expires":604800000000,"gate":"ask(head@shop)","passed":false}]', 'ana', 1795381380395897);
SELECT pg_catalog.setval('tidewheel_asset.alerts_seq_seq', 1, false);
SELECT pg_catalog.setval('tidewheel_asset.approvals_seq_seq', 3, true);
SELECT pg_catalog.setval('tidewheel_asset.deployment_history_seq_seq', 2, true);
SELECT pg_catalog.setval('tidewheel_asset.environment_history_seq_seq', 2, true);
SELECT pg_catalog.setval('tidewheel_asset.notes_seq_seq', 25, true);
SELECT pg_catalog.setval('tidewheel_asset.version_notes_seq_seq', 1, true);
ALTER TABLE ONLY tidewheel_asset.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
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
ALTER TABLE ONLY tidewheel_asset.job_runs
    ADD CONSTRAINT pk_job_runs PRIMARY KEY (job, due);
ALTER TABLE ONLY tidewheel_asset.jobs
    ADD CONSTRAINT pk_jobs PRIMARY KEY (name);
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
