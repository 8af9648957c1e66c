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
INSERT INTO tidewheel_asset.alembic_version VALUES ('0004');
INSERT INTO tidewheel_asset.approvals VALUES (1, 'SentBack@1', 'ask(head@shop)', '01M82HJVXH70VXT3', '["head@shop"]', 'average_precision 0.2837, roc_auc 0.6357 on 141 test rows, the first to be deployed', '{"average_precision":[0.28369387444553745,0.17398810212196963,0.4509077560758463],"roc_auc":[0.6357458912768648,0.5087283749166579,0.7459772372179219]}', 1795381890205937, 1795986690205937, 'approved', 1795381908276609, 'head@shop', 'seen');
INSERT INTO tidewheel_asset.approvals VALUES (2, 'SentBack@2', 'ask(head@shop)', '01M82HK4E9P7B1EP', '["head@shop"]', 'average_precision 0.2985, roc_auc 0.6501 on 141 test rows, the first to be deployed', '{"average_precision":[0.29849210759296263,0.20634578768996356,0.48314509109768494],"roc_auc":[0.650126422250316,0.5622998057362464,0.7557748538011696]}', 1795381899178045, 1795986699178045, 'approved', 1795381908637030, 'head@shop', '');
INSERT INTO tidewheel_asset.approvals VALUES (3, 'SentBack@3', 'ask(head@shop)', '01M82HKCADSEF931', '["head@shop"]', 'average_precision 0.271, roc_auc 0.6425 on 141 test rows, the first to be deployed', '{"average_precision":[0.2710254130874063,0.1876611357149997,0.41799994575609506],"roc_auc":[0.6425410872313527,0.5435406781117988,0.725126843966767]}', 1795381905150385, 1795986705150385, 'rejected', 1795381908801854, 'head@shop', 'odd');
INSERT INTO tidewheel_asset.counters VALUES ('pointers', 5);
INSERT INTO tidewheel_asset.counters VALUES ('tokens', 4);
INSERT INTO tidewheel_asset.datasets VALUES ('802aac65345bf15489624b5023c2df2f542aff41a6926e38e0eab5f32fff1977', 'SentBack', '7c077b5736fe9e83', 774, 1795381882607205, '{"columns":["amount","category","customer.orders_30d","customer.spent_30d","customer.mean_90d","customer.returns_90d","customer.idle","over_mean"],"counts":{"decided":0,"gap":68,"immature":58,"labelled":842,"rows":900,"test":141,"train":633},"log_head":1053,"tables":{"Customer":-1,"Order":0,"Return":0}}', 1795381890073859, '2567b1ce59411cb3371d8d0266892c07d2a31c3f8ac34e5db3c63038dd89ba55');
INSERT INTO tidewheel_asset.deleted_versions VALUES ('SentBack', 3, 'rejected', 1795381909540746, 'ana');
INSERT INTO tidewheel_asset.deployment_history VALUES (1, 'Screen', 1, 'deploy', 'null', '{"service":"Screen","revision":1,"service_version":"d190e6519906444c","champion":"SentBack@1","previous":"","previous_service_version":"","challenger":"","challenger_service_version":"","share":0.0,"mode":"none","salt":"","killed":false,"since":1795381910462466,"cause":"first","who":"ana"}', 1795381910462466, 'first', 'ana');
INSERT INTO tidewheel_asset.deployment_history VALUES (2, 'Screen', 2, 'canary', '{"service":"Screen","revision":1,"service_version":"d190e6519906444c","champion":"SentBack@1","previous":"","previous_service_version":"","challenger":"","challenger_service_version":"","share":0.0,"mode":"none","salt":"","killed":false,"since":1795381910462466,"cause":"first","who":"ana"}', '{"service":"Screen","revision":2,"service_version":"d190e6519906444c","champion":"SentBack@1","previous":"","previous_service_version":"","challenger":"SentBack@2","challenger_service_version":"d190e6519906444c","share":0.1,"mode":"canary","salt":"SentBack@2/2","killed":false,"since":1795381911196523,"cause":"weekly","who":"ana"}', 1795381911196523, 'weekly', 'ana');
INSERT INTO tidewheel_asset.deployments VALUES ('Screen', 2, 'd190e6519906444c', 'SentBack@1', '', '', 'SentBack@2', 'd190e6519906444c', 0.1, 'canary', 'SentBack@2/2', false, 1795381911196523, 'weekly', 'ana');
INSERT INTO tidewheel_asset.environment_history VALUES (1, 'SentBack', 'production', 1, NULL, 1, 1795381909005812, 'first', 'ana');
INSERT INTO tidewheel_asset.environment_history VALUES (2, 'SentBack', 'staging', 1, NULL, 2, 1795381909109558, '', 'ana');
INSERT INTO tidewheel_asset.environments VALUES ('SentBack', 'production', 1, 1, 1795381909005812, 'first', 'ana');
INSERT INTO tidewheel_asset.environments VALUES ('SentBack', 'staging', 2, 1, 1795381909109558, '', 'ana');
INSERT INTO tidewheel_asset.graphs VALUES ('b8e10000dd8afc97', '{"groups":[{"by":["Customer"],"doc":"What a customer did before. Computed once; the same in training, streaming and serving.","features":[{"name":"orders_30d","type":"FeatureColumn","value":{"hop":86400000000,"keys":[["customer"]],"op":"count","q":0.0,"source":"Order","type":"Aggregate","window":2592000000000}},{"name":"spent_30d","type":"FeatureColumn","value":{"hop":86400000000,"keys":[["customer"]],"op":"sum","q":0.0,"source":"Order","type":"Aggregate","value":{"path":["amount"],"type":"Col"},"window":2592000000000}},{"name":"mean_90d","type":"FeatureColumn","value":{"hop":432000000000,"keys":[["customer"]],"op":"mean","q":0.0,"source":"Order","type":"Aggregate","value":{"path":["amount"],"type":"Col"},"window":7776000000000}},{"name":"returns_90d","type":"FeatureColumn","value":{"hop":432000000000,"keys":[["order","customer"]],"op":"count","q":0.0,"source":"Return","type":"Aggregate","window":7776000000000}},{"name":"idle","type":"FeatureColumn","value":{"keys":[["customer"]],"op":"time_since_last","q":0.0,"source":"Order","type":"Aggregate"}}],"file":"project.py","line":40,"name":"CustomerHistory","type":"Group"}],"models":[{"doc":"The order is returned within two weeks.","estimator":"lightgbm.sklearn.LGBMClassifier(boosting_type=''gbdt'', class_weight=None, colsample_bytree=1.0, importance_type=''split'', learning_rate=0.1, max_depth=-1, min_child_samples=20, min_child_weight=0.001, min_split_gain=0.0, n_estimators=5, n_jobs=None, num_leaves=7, objective=None, random_state=None, reg_alpha=0.0, reg_lambda=0.0, subsample=1.0, subsample_for_bin=200000, subsample_freq=0, verbose=-1)","file":"project.py","gates":[{"kind":"at_least","metric":"roc_auc","type":"Gate","value":0.5},{"approvers":["head@shop"],"expires":604800000000,"kind":"ask","type":"Gate"}],"label":{"kind":"happened","path":["order"],"source":"Return","type":"Label","within":1209600000000},"line":59,"metrics":["average_precision","roc_auc"],"name":"SentBack","retrain":{"canary":0.1,"every":"weekly","margin":0.0,"metric":"average_precision","on_drift":0.0,"type":"Retrain","watch":604800000000},"search":"{\"learning_rate\":{\"high\":0.3,\"kind\":\"log\",\"low\":0.05}}","split":{"gap":1209600000000,"test":2592000000000,"type":"Split"},"trials":2,"type":"Model","view":"OrderView"}],"services":[{"deadline":20000,"doc":"Post an order, get ship / check.","explore":0.0,"fallback":[{"kind":"previous","model":"SentBack","type":"Fallback"},{"action":"ship","kind":"action","type":"Fallback"}],"file":"project.py","keep_rows":1.0,"line":73,"model":"SentBack","name":"Screen","on":"Order","rule_view":null,"rules":[],"thresholds":[["ship",0.0],["check",0.5]],"type":"Service"}],"sources":[{"columns":[{"kind":"id","name":"id","type":"Column"}],"entity":true,"file":"project.py","line":20,"name":"Customer","type":"Source"},{"columns":[{"kind":"id","name":"id","type":"Column"},{"kind":"ref","name":"customer","target":"Customer","type":"Column"},{"kind":"category","name":"category","type":"Column"},{"kind":"float","name":"amount","type":"Column"}],"doc":"An order, as the shop took it.","file":"project.py","line":24,"name":"Order","type":"Source"},{"columns":[{"kind":"id","name":"id","type":"Column"},{"kind":"ref","name":"order","target":"Order","type":"Column"}],"doc":"The customer sent an order back; comes days later.","file":"project.py","line":33,"name":"Return","type":"Source"}],"type":"Graph","views":[{"columns":[{"name":"amount","type":"ViewColumn","value":{"path":["amount"],"type":"Col"}},{"name":"category","text":true,"type":"ViewColumn","value":{"path":["category"],"type":"Col"}},{"name":"customer.orders_30d","type":"ViewColumn","value":{"alias":"customer","name":"orders_30d","type":"Feature"}},{"name":"customer.spent_30d","type":"ViewColumn","value":{"alias":"customer","name":"spent_30d","type":"Feature"}},{"name":"customer.mean_90d","type":"ViewColumn","value":{"alias":"customer","name":"mean_90d","type":"Feature"}},{"name":"customer.returns_90d","type":"ViewColumn","value":{"alias":"customer","name":"returns_90d","type":"Feature"}},{"name":"customer.idle","type":"ViewColumn","value":{"alias":"customer","name":"idle","type":"Feature"}},{"name":"over_mean","type":"ViewColumn","value":{"args":[{"path":["amount"],"type":"Col"},{"alias":"customer","name":"mean_90d","type":"Feature"}],"op":"div","type":"Call"}}],"doc":"What the model sees of one order.","file":"project.py","line":50,"lookups":[{"alias":"customer","group":"CustomerHistory","keys":[["customer"]],"type":"Lookup"}],"name":"OrderView","on":"Order","type":"View"}]}', 1795381872659386);
INSERT INTO tidewheel_asset.groups VALUES ('ff606852c5748734', 'CustomerHistory', 'b8e10000dd8afc97', 'live', 1795381872778012);
INSERT INTO tidewheel_asset.jobs VALUES ('parity Screen', '{"every":"interval","at":"00:00","tz":"UTC","weekday":0,"day":1,"interval":3600000000,"cron":"","missed":"latest"}', 1795381911837744);
INSERT INTO tidewheel_asset.jobs VALUES ('canary Screen', '{"every":"daily","at":"00:00","tz":"UTC","weekday":0,"day":1,"interval":0,"cron":"","missed":"latest"}', 1795381911847268);
INSERT INTO tidewheel_asset.jobs VALUES ('drift Screen', '{"every":"interval","at":"00:00","tz":"UTC","weekday":0,"day":1,"interval":172800000000,"cron":"","missed":"latest"}', 1795381911849941);
INSERT INTO tidewheel_asset.jobs VALUES ('retrain SentBack', '{"every":"weekly","at":"00:00","tz":"UTC","weekday":0,"day":1,"interval":0,"cron":"","missed":"latest"}', 1795381911854943);
INSERT INTO tidewheel_asset.jobs VALUES ('rollout Screen', '{"every":"interval","at":"00:00","tz":"UTC","weekday":0,"day":1,"interval":60000000,"cron":"","missed":"latest"}', 1795381911858725);
INSERT INTO tidewheel_asset.jobs VALUES ('upkeep of the lake', '{"every":"daily","at":"03:00","tz":"UTC","weekday":0,"day":1,"interval":0,"cron":"","missed":"latest"}', 1795381911862779);
INSERT INTO tidewheel_asset.jobs VALUES ('tidy', '{"every":"daily","at":"00:00","tz":"UTC","weekday":0,"day":1,"interval":0,"cron":"","missed":"latest"}', 1795381911866450);
INSERT INTO tidewheel_asset.leases VALUES ('flush', 'vm, pid 13912', 1, 0);
INSERT INTO tidewheel_asset.leases VALUES ('keeper', 'vm, pid 13912', 1, 0);
INSERT INTO tidewheel_asset.live_graphs VALUES (1, 'b8e10000dd8afc97', 1795381872685890, 'ana');
INSERT INTO tidewheel_asset.notes VALUES (1, 'definitions.live', 'b8e10000dd8afc97', '{"revision":1,"who":"ana"}', 1795381872685890, 1795381911882614);
INSERT INTO tidewheel_asset.notes VALUES (2, 'run.done', 'SentBack', '{"error":"","run":"01M82HJVXH70VXT3"}', 1795381890205937, 1795381911882614);
INSERT INTO tidewheel_asset.notes VALUES (3, 'approval.asked', 'SentBack@1', '{"approvers":["head@shop"],"expires":1795986690205937,"gate":"ask(head@shop)"}', 1795381890205937, 1795381911882614);
INSERT INTO tidewheel_asset.notes VALUES (4, 'version.registered', 'SentBack', '{"bundle":"3053facf67d267fce256d90fd6c3fc80a37da067aa03213c5d4738f4457580cb","passed":false,"run":"01M82HJVXH70VXT3","version":"SentBack@1","who":"ana"}', 1795381890205937, 1795381911882614);
INSERT INTO tidewheel_asset.notes VALUES (5, 'run.done', 'SentBack', '{"error":"","run":"01M82HK4E9P7B1EP"}', 1795381899178045, 1795381911882614);
INSERT INTO tidewheel_asset.notes VALUES (6, 'approval.asked', 'SentBack@2', '{"approvers":["head@shop"],"expires":1795986699178045,"gate":"ask(head@shop)"}', 1795381899178045, 1795381911882614);
INSERT INTO tidewheel_asset.notes VALUES (7, 'version.registered', 'SentBack', '{"bundle":"b16e731eccf791d116639f5ca6542404ff015ab2689176d4ff4bec3ff6fc2d20","passed":false,"run":"01M82HK4E9P7B1EP","version":"SentBack@2","who":"ana"}', 1795381899178045, 1795381911882614);
INSERT INTO tidewheel_asset.notes VALUES (8, 'run.done', 'SentBack', '{"error":"","run":"01M82HKCADSEF931"}', 1795381905150385, 1795381911882614);
INSERT INTO tidewheel_asset.notes VALUES (9, 'approval.asked', 'SentBack@3', '{"approvers":["head@shop"],"expires":1795986705150385,"gate":"ask(head@shop)"}', 1795381905150385, 1795381911882614);
INSERT INTO tidewheel_asset.notes VALUES (10, 'version.registered', 'SentBack', '{"bundle":"044459e73d151e5d29994df96d0ff31702190bd19baa40b31949484e9ddf70d0","passed":false,"run":"01M82HKCADSEF931","version":"SentBack@3","who":"ana"}', 1795381905150385, 1795381911882614);
INSERT INTO tidewheel_asset.notes VALUES (11, 'run.failed', 'SentBack', '{"error":"data: SentBack: none of 0 Order rows can be trained on: there are none","run":"01M82HKJX5QNNG28"}', 1795381908026549, 1795381911882614);
INSERT INTO tidewheel_asset.notes VALUES (12, 'approval.approved', 'SentBack@1', '{"gate":"ask(head@shop)","note":"seen","who":"head@shop"}', 1795381908276609, 1795381911882614);
INSERT INTO tidewheel_asset.notes VALUES (13, 'approval.approved', 'SentBack@2', '{"gate":"ask(head@shop)","note":"","who":"head@shop"}', 1795381908637030, 1795381911882614);
INSERT INTO tidewheel_asset.notes VALUES (14, 'approval.rejected', 'SentBack@3', '{"gate":"ask(head@shop)","note":"odd","who":"head@shop"}', 1795381908801854, 1795381911882614);
INSERT INTO tidewheel_asset.notes VALUES (15, 'environment.moved', 'SentBack', '{"after":1,"before":null,"environment":"production","model":"SentBack","revision":1,"who":"ana","why":"first"}', 1795381909005812, 1795381911882614);
INSERT INTO tidewheel_asset.notes VALUES (16, 'environment.moved', 'SentBack', '{"after":2,"before":null,"environment":"staging","model":"SentBack","revision":1,"who":"ana","why":""}', 1795381909109558, 1795381911882614);
INSERT INTO tidewheel_asset.notes VALUES (17, 'version.tagged', 'SentBack', '{"removed":[],"tags":{"team":"returns"},"version":"SentBack@2","who":"ana"}', 1795381909260651, 1795381911882614);
INSERT INTO tidewheel_asset.notes VALUES (18, 'version.deleted', 'SentBack', '{"version":"SentBack@3","who":"ana","why":"rejected"}', 1795381909540746, 1795381911882614);
INSERT INTO tidewheel_asset.notes VALUES (19, 'deployment.deploy', 'Screen', '{"action":"deploy","cause":"first","challenger":"","champion":"SentBack@1","killed":false,"revision":1,"service_version":"d190e6519906444c","share":0.0,"who":"ana"}', 1795381910462466, 1795381911882614);
INSERT INTO tidewheel_asset.notes VALUES (20, 'deployment.canary', 'Screen', '{"action":"canary","cause":"weekly","challenger":"SentBack@2","champion":"SentBack@1","killed":false,"revision":2,"service_version":"d190e6519906444c","share":0.1,"who":"ana"}', 1795381911196523, 1795381911882614);
INSERT INTO tidewheel_asset.notes VALUES (21, 'thresholds.set', 'Screen', '{"cause":"queue","levels":{"check":0.4},"version":1,"who":"ana"}', 1795381911460409, 1795381911882614);
INSERT INTO tidewheel_asset.notes VALUES (22, 'token.created', 'shop', '{"expires":null,"rate":0.0,"scopes":["ingest","decide"],"who":"ana"}', 1795381912246784, NULL);
INSERT INTO tidewheel_asset.notes VALUES (23, 'token.created', 'ops', '{"expires":null,"rate":0.0,"scopes":["read"],"who":"ana"}', 1795381912317658, NULL);
INSERT INTO tidewheel_asset.notes VALUES (24, 'token.rotated', 'shop', '{"grace":86400000000,"who":"ana"}', 1795381912363180, NULL);
INSERT INTO tidewheel_asset.notes VALUES (25, 'token.revoked', 'ops', '{"who":"ana"}', 1795381912403152, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HJVXH70VXT3', 'test', 'average_precision', 0.28369387444553745, 0.17398810212196963, 0.4509077560758463);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HJVXH70VXT3', 'test', 'roc_auc', 0.6357458912768648, 0.5087283749166579, 0.7459772372179219);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HJVXH70VXT3', 'train', 'average_precision', 0.4942694313003973, 0.4058955337128713, 0.5905154591603298);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HJVXH70VXT3', 'train', 'roc_auc', 0.8130121156943764, 0.7697239226266562, 0.8528451809817049);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HJVXH70VXT3', 'baseline', 'average_precision', 0.19858156028368795, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HJVXH70VXT3', 'baseline', 'roc_auc', 0.5, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HJVXH70VXT3', 'baseline linear', 'average_precision', 0.37822828391589863, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HJVXH70VXT3', 'baseline linear', 'roc_auc', 0.693109987357775, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HJVXH70VXT3', 'test', 'calibration_error', 0.034620594053112005, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HJVXH70VXT3', 'test', 'brier', 0.15663413160720682, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HK4E9P7B1EP', 'test', 'average_precision', 0.29849210759296263, 0.20634578768996356, 0.48314509109768494);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HK4E9P7B1EP', 'test', 'roc_auc', 0.650126422250316, 0.5622998057362464, 0.7557748538011696);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HK4E9P7B1EP', 'train', 'average_precision', 0.5011932367962988, 0.4080490619476356, 0.5882337425745102);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HK4E9P7B1EP', 'train', 'roc_auc', 0.8171878282792913, 0.7738324063288281, 0.8537468833212596);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HK4E9P7B1EP', 'baseline', 'average_precision', 0.19858156028368795, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HK4E9P7B1EP', 'baseline', 'roc_auc', 0.5, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HK4E9P7B1EP', 'baseline linear', 'average_precision', 0.37822828391589863, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HK4E9P7B1EP', 'baseline linear', 'roc_auc', 0.693109987357775, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HK4E9P7B1EP', 'test', 'calibration_error', 0.03547698505607698, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HK4E9P7B1EP', 'test', 'brier', 0.15511107497270638, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HK4E9P7B1EP', 'previous', 'average_precision', 0.28369387444553745, 0.19473940265702475, 0.4316487215371791);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HK4E9P7B1EP', 'previous', 'roc_auc', 0.6357458912768648, 0.5246695408172392, 0.7372801724137932);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HKCADSEF931', 'test', 'average_precision', 0.2710254130874063, 0.1876611357149997, 0.41799994575609506);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HKCADSEF931', 'test', 'roc_auc', 0.6425410872313527, 0.5435406781117988, 0.725126843966767);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HKCADSEF931', 'train', 'average_precision', 0.4873394090994667, 0.4146111258560883, 0.5810626956365869);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HKCADSEF931', 'train', 'roc_auc', 0.8051509209328385, 0.7697016247266444, 0.8492473486682305);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HKCADSEF931', 'baseline', 'average_precision', 0.19858156028368795, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HKCADSEF931', 'baseline', 'roc_auc', 0.5, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HKCADSEF931', 'baseline linear', 'average_precision', 0.37822828391589863, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HKCADSEF931', 'baseline linear', 'roc_auc', 0.693109987357775, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HKCADSEF931', 'test', 'calibration_error', 0.04094089062853087, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HKCADSEF931', 'test', 'brier', 0.155818048315581, NULL, NULL);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HKCADSEF931', 'previous', 'average_precision', 0.29849210759296263, 0.21195812886779317, 0.4552258086695424);
INSERT INTO tidewheel_asset.run_metrics VALUES ('01M82HKCADSEF931', 'previous', 'roc_auc', 0.650126422250316, 0.5296625344352618, 0.7648995703041336);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HJVXH70VXT3', 1, 'validate', 1795381882879009, 1.793809237000005, '900 rows, 0 decided, 842 labelled, 58 immature', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HJVXH70VXT3', 2, 'data', 1795381884749811, 2.136955009000303, '900 rows, 0 decided, 842 labelled, 58 immature, 68 gap, 633 train, 141 test', '1bc0bf9c423bd203d520a3dc2d0e1fcfdf4a8b4a72073c047f900dbf2bf60d01', '623f1e12292d373ee84cb0e0f37b7c6001cdbd51e65c8d11c6021f1337e4ddf0', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HJVXH70VXT3', 3, 'split', 1795381886928748, 0.09033328699979393, 'customer.idle: 484 values on 484 train rows, nearly one a row: like an id or a clock, it knows no row to come; customer: 89 of the 89 in the test are in the train rows too, on 100.0% of the test rows', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HJVXH70VXT3', 4, 'tune', 1795381887086699, 0.32041911599981177, '2 trials; chosen {''learning_rate'': 0.13366875980837895}', '7f498f5a333c844ee0d77f3af0384a63f2bcace215ffa9f697ceab9cfe22544f', '5ad5cd3827bd558bbec0fdf2d741c00e0c49ba69717c6f5131cb6714b735ddac', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HJVXH70VXT3', 5, 'fit', 1795381887402271, 0.20472668299998986, 'fitted in 0.0 s', 'eaa51125aab30a6700a50d55b1aed87f0bf00414b1b504d01b29c68d6a6c0c71', 'e829b5d3b7274d90ab4601717d0745111ab77818ba3f5ba9086ca628820ecda2', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HJVXH70VXT3', 6, 'evaluate', 1795381887612987, 0.271530895000069, 'average_precision 0.2837, roc_auc 0.6357', 'a6f9d7c1137c1fb113f41ee433e45addcd704ac1258a5f96994ab404406f8b05', 'e8a9f5b3c9a4c9561440d14d0b71116b4f6b4ca6011c2f7f42bfb35b0c0b13e8', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HJVXH70VXT3', 7, 'gates', 1795381887945791, 0.4752553819998866, 'at_least(roc_auc, 0.5): passed; ask(head@shop): failed', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HJVXH70VXT3', 8, 'register', 1795381888525835, 1.7512350010001683, '', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HK4E9P7B1EP', 1, 'validate', 1795381891573655, 2.5017873609999697, '900 rows, 0 decided, 842 labelled, 58 immature', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HK4E9P7B1EP', 2, 'data', 1795381894111846, 0.03298031999975137, 'reused from run 01M82HJVXH70VXT3 of 2026-11-22 21:11 UTC: same definitions, same labels, same history up to offset 1053; 900 rows, 0 decided, 842 labelled, 58 immature, 68 gap, 633 train, 141 test', '1bc0bf9c423bd203d520a3dc2d0e1fcfdf4a8b4a72073c047f900dbf2bf60d01', '623f1e12292d373ee84cb0e0f37b7c6001cdbd51e65c8d11c6021f1337e4ddf0', '01M82HJVXH70VXT3', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HK4E9P7B1EP', 3, 'split', 1795381894199075, 0.050762912000209326, 'customer.idle: 484 values on 484 train rows, nearly one a row: like an id or a clock, it knows no row to come; customer: 89 of the 89 in the test are in the train rows too, on 100.0% of the test rows', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HK4E9P7B1EP', 4, 'tune', 1795381894399621, 0.5457804749999013, '2 trials; chosen {''learning_rate'': 0.10555436531487483}', 'f3fd7cbaf628b88a04a06184774a0c81441d4c81a3a4bfa661ecdcb689e24440', '1d854b32030a128a8dd4786ed4d31fbb9af9158038cf4078d052417ad26122d9', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HK4E9P7B1EP', 5, 'fit', 1795381894929870, 0.1836482700000488, 'fitted in 0.0 s', '4c2f16f100d2e15c0128764de21785a29b3ed1d2e20646fe6d4e5428f31ea6d8', 'dfbdcbe7e98af4711c0d4b82942c4c19dc9d5c56fffaf25086be95bd7cd982d3', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HK4E9P7B1EP', 6, 'evaluate', 1795381895135164, 0.2534527729999354, 'average_precision 0.2985, roc_auc 0.6501', 'e5d8315146d5ef8dcd1a73651c889c4e11b829e644f3e164fc6144c0302ba569', '2d2550e529bc203db00e7709f1b16a2c55a87c3655bb0f95e27d74ab1487fcd5', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HK4E9P7B1EP', 7, 'gates', 1795381895399464, 2.330130471999837, 'at_least(roc_auc, 0.5): passed; ask(head@shop): failed', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HK4E9P7B1EP', 8, 'register', 1795381897777726, 1.4745814009997957, '', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HKCADSEF931', 1, 'validate', 1795381899625924, 1.505362962000163, '900 rows, 0 decided, 842 labelled, 58 immature', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HKCADSEF931', 2, 'data', 1795381901185831, 0.052730977999999595, 'reused from run 01M82HK4E9P7B1EP of 2026-11-22 21:11 UTC: same definitions, same labels, same history up to offset 1053; 900 rows, 0 decided, 842 labelled, 58 immature, 68 gap, 633 train, 141 test', '1bc0bf9c423bd203d520a3dc2d0e1fcfdf4a8b4a72073c047f900dbf2bf60d01', '623f1e12292d373ee84cb0e0f37b7c6001cdbd51e65c8d11c6021f1337e4ddf0', '01M82HK4E9P7B1EP', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HKCADSEF931', 3, 'split', 1795381901241622, 0.028671513000062987, 'customer.idle: 484 values on 484 train rows, nearly one a row: like an id or a clock, it knows no row to come; customer: 89 of the 89 in the test are in the train rows too, on 100.0% of the test rows', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HKCADSEF931', 4, 'tune', 1795381901367411, 0.39991650000001755, '2 trials; chosen {''learning_rate'': 0.10920436116002988}', 'cc6ff3926f219709ca8586e520be654715d95ccab0c6b18f712fa2de4074da43', '85778fa5b378c6aae4959d8dafc087f3307c6e9968e440bf90fa236c147b2424', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HKCADSEF931', 5, 'fit', 1795381901771220, 0.15592418000005637, 'fitted in 0.0 s', 'a1d08962d05160d93903b32b310b6f04318ee5852e3aa191b4a7b2c7063b5f13', '61523ea169b1a0bf756fde861eb145b0476756c83e056f5ac32126551018a27b', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HKCADSEF931', 6, 'evaluate', 1795381901958252, 0.2128250460000345, 'average_precision 0.271, roc_auc 0.6425', 'ca79bcd6efb074ee40c2034653c5b0013c687481b726d74e2e50c4bed1aaac3c', 'c46ade38ac20c30b079f77cb7bc4c0fd0742ac0bc580d65882e2c4b2e68a328b', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HKCADSEF931', 7, 'gates', 1795381902200490, 1.879630477000319, 'at_least(roc_auc, 0.5): passed; ask(head@shop): failed', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HKCADSEF931', 8, 'register', 1795381904123146, 1.073983734000194, '', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HKJX5QNNG28', 1, 'validate', 1795381906398426, 1.585918639999818, '0 rows, 0 decided, 0 labelled', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HKJX5QNNG28', 2, 'data', 1795381907992401, 0.020697559999916848, '', '997fd2ad24f27b6ccd08c01a2c01a67372c5d91d990b7299d878a8ded539e814', '', '', 'failed', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HJVXH70VXT3', 9, 'approve', 1795381890205937, 18.070672, 'ask(head@shop) approved by head@shop', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HK4E9P7B1EP', 9, 'approve', 1795381899178045, 9.458985, 'ask(head@shop) approved by head@shop', '', '', '', 'done', 1);
INSERT INTO tidewheel_asset.run_steps VALUES ('01M82HKCADSEF931', 9, 'approve', 1795381905150385, 3.651469, 'ask(head@shop) rejected by head@shop', '', '', '', 'failed', 1);
INSERT INTO tidewheel_asset.runs VALUES ('01M82HJVXH70VXT3', 'SentBack', 'done', 1795381882801913, 1795381890205937, '', 'ana', '', '{"chosen":{"learning_rate":0.13366875980837895},"estimator":"LGBMClassifier","fitted":{"boosting_type":"gbdt","class_weight":null,"colsample_bytree":1.0,"deterministic":true,"force_row_wise":true,"importance_type":"split","learning_rate":0.13366875980837895,"max_depth":-1,"min_child_samples":20,"min_child_weight":0.001,"min_split_gain":0.0,"n_estimators":5,"n_jobs":1,"num_leaves":7,"objective":null,"random_state":0,"reg_alpha":0.0,"reg_lambda":0.0,"subsample":1.0,"subsample_for_bin":200000,"subsample_freq":0,"verbose":-1},"notes":[],"parents":{},"prior":1.0,"seed":0,"test_rows":"d40e43994da4732b98ec7494c1d02ef7129f48a31326e8703b02629749ca2505","threads":1,"trials":2,"warnings":["customer.idle: 484 values on 484 train rows, nearly one a row: like an id or a clock, it knows no row to come"],"workers":1}', '{"as_of":1795381882607205,"commit":"","dataset":"802aac65345bf15489624b5023c2df2f542aff41a6926e38e0eab5f32fff1977","definitions":{"entity Customer":"bdd922ee5a2a8e69","event Order":"f0e56ffe684dc88f","event Return":"10f4de563d4820b4","features CustomerHistory":"9e49248aaf2d473d","files":"f06cca6b174aaf4078dd1333d0ea485e197967811588183269f1b08b14c185a4","model SentBack":"11dd45c77f927d57","view OrderView":"7c077b5736fe9e83"},"dirty_patch":"","libraries":{"lightgbm":"4.7.0","numba":"0.68.1","numpy":"2.4.6","optuna":"5.0.0","processor":"x86_64","pyarrow":"26.0.1","python":"3.11.7","scikit-learn":"1.9.1","scipy":"1.17.1","tidewheel":"0.1.0"},"log_head":1053,"parents":{},"rows":{"decided":0,"gap":68,"immature":58,"labelled":842,"rows":900,"test":141,"train":633},"seed":0,"tables":{"Customer":-1,"Order":0,"Return":0},"timings":{"data":2.137,"evaluate":0.272,"fit":0.205,"gates":0.475,"split":0.09,"tune":0.32,"validate":1.794}}', '[{"approvers":[],"blessing":"good","detail":"roc_auc is 0.6357 [0.5087, 0.746] on 141 test rows; at least 0.5 is asked","evidence":{"value":0.6357458912768648},"expires":0,"gate":"at_least(roc_auc, 0.5)","passed":true},{"approvers":["head@shop"],"blessing":"good","detail":"average_precision 0.2837, roc_auc 0.6357 on 141 test rows, the first to be deployed","evidence":{"average_precision":[0.28369387444553745,0.17398810212196963,0.4509077560758463],"roc_auc":[0.6357458912768648,0.5087283749166579,0.7459772372179219]},"expires":604800000000,"gate":"ask(head@shop)","passed":false}]', '{"bundle":"3053facf67d267fce256d90fd6c3fc80a37da067aa03213c5d4738f4457580cb","calibration":"6c7c5d28cd84e0bd41dc9cd0218ba947e9b7885f55983308b067af273e5b2a6d","environment":"b38f140f02e417ef7730bcd4ecaa7ce683658550d0500d1bd1975f69386f8e27","evaluation":"1cf1552b977be6523f26f61ddc95a995dc986b990edbae3063ee636c82bc3a17","findings":"777ecf47cb2289123b91c6dc7b3e9c6a3b924fb930e2c710de3a851d055dd52d","held_out":"d81883b25a5760d1401a720c3124e33d031579b0e5b5206323dbb232f458e82a","importance":"3fef13e70952a5014c49487be96c8efa34bbfec1b0e1321d83f6c4c00d010f8a","model.txt":"7d5555dbe9ab9f8690023c0c2737344c1b11b83714cf08b5020ce4ecb5d8d08f","predictions":"f543f33cdeebe05e335d470289c080264eff479626f5676a69b47c3f39fd0974","trials":"e832cd470390a69b76ed22e9e6c2861c9c4a5fc599ccee4c2ce377a178d83df5","tuning":"3c008f7aedc9e4fd5cb612d9bc373dc2fa76b2ec6dd0bfe3b6830b9040dcbeac"}', '', 'be4a290d7d834ccac29f766dab10408f6045ffc982c4fba2891dacab4bc3969a', 'vm d201a8fd-14d4-4f97-8323-84d7b00d1d61 13912 249401', 1795381882801972);
INSERT INTO tidewheel_asset.runs VALUES ('01M82HK4E9P7B1EP', 'SentBack', 'done', 1795381891529728, 1795381899178045, '', 'ana', '', '{"chosen":{"learning_rate":0.10555436531487483},"estimator":"LGBMClassifier","fitted":{"boosting_type":"gbdt","class_weight":null,"colsample_bytree":1.0,"deterministic":true,"force_row_wise":true,"importance_type":"split","learning_rate":0.10555436531487483,"max_depth":-1,"min_child_samples":20,"min_child_weight":0.001,"min_split_gain":0.0,"n_estimators":5,"n_jobs":1,"num_leaves":7,"objective":null,"random_state":1,"reg_alpha":0.0,"reg_lambda":0.0,"subsample":1.0,"subsample_for_bin":200000,"subsample_freq":0,"verbose":-1},"notes":[],"parents":{},"prior":1.0,"seed":1,"test_rows":"d40e43994da4732b98ec7494c1d02ef7129f48a31326e8703b02629749ca2505","threads":1,"trials":2,"warnings":["customer.idle: 484 values on 484 train rows, nearly one a row: like an id or a clock, it knows no row to come"],"workers":1}', '{"as_of":1795381891466791,"commit":"","dataset":"802aac65345bf15489624b5023c2df2f542aff41a6926e38e0eab5f32fff1977","definitions":{"entity Customer":"bdd922ee5a2a8e69","event Order":"f0e56ffe684dc88f","event Return":"10f4de563d4820b4","features CustomerHistory":"9e49248aaf2d473d","files":"f06cca6b174aaf4078dd1333d0ea485e197967811588183269f1b08b14c185a4","model SentBack":"11dd45c77f927d57","view OrderView":"7c077b5736fe9e83"},"dirty_patch":"","libraries":{"lightgbm":"4.7.0","numba":"0.68.1","numpy":"2.4.6","optuna":"5.0.0","processor":"x86_64","pyarrow":"26.0.1","python":"3.11.7","scikit-learn":"1.9.1","scipy":"1.17.1","tidewheel":"0.1.0"},"log_head":1053,"parents":{},"rows":{"decided":0,"gap":68,"immature":58,"labelled":842,"rows":900,"test":141,"train":633},"seed":1,"tables":{"Customer":-1,"Order":0,"Return":0},"timings":{"data":0.033,"evaluate":0.253,"fit":0.184,"gates":2.33,"split":0.051,"tune":0.546,"validate":2.502}}', '[{"approvers":[],"blessing":"good","detail":"roc_auc is 0.6501 [0.5623, 0.7558] on 141 test rows; at least 0.5 is asked","evidence":{"value":0.650126422250316},"expires":0,"gate":"at_least(roc_auc, 0.5)","passed":true},{"approvers":["head@shop"],"blessing":"good","detail":"average_precision 0.2985, roc_auc 0.6501 on 141 test rows, the first to be deployed","evidence":{"average_precision":[0.29849210759296263,0.20634578768996356,0.48314509109768494],"roc_auc":[0.650126422250316,0.5622998057362464,0.7557748538011696]},"expires":604800000000,"gate":"ask(head@shop)","passed":false}]', '{"bundle":"b16e731eccf791d116639f5ca6542404ff015ab2689176d4ff4bec3ff6fc2d20","calibration":"f3113177140f624038688d86e34b8662f8e2f228d4e3e5b396634ed88da2bee6","environment":"b38f140f02e417ef7730bcd4ecaa7ce683658550d0500d1bd1975f69386f8e27","evaluation":"db4179b6ec7b9e451482189f10731278b6f53b616d00d8802d8ad2b09aa0de1c","findings":"777ecf47cb2289123b91c6dc7b3e9c6a3b924fb930e2c710de3a851d055dd52d","held_out":"ec1f3c918fe4621d39406b94301578f45173b2f04ec1f4093795cee7fe3a463f","importance":"1f4bf5164d7536a02dd7df8ccf0a6aa971d7f7dceaefdba92e9566be1dbaf776","model.txt":"544f7f9a0f1b59c8ee9d09397f7535a6e548e7d11c2e88c8f2c11ca19fb05889","predictions":"6ed24d1bb0d6db352a5cbcbea648c52843a3d6cf45a0bea938dd45391861cab5","trials":"5c45a0d340f2030f354b63b475b2644e4f57dff9d1dc2cfc608e51dbe7b0ea84","tuning":"32ac8409d4be7725462809fd62b014b4870bcf01e58d5211a7d1613d7ef5df7a"}', '', '843f693f3b233910f3cbeceb9a4f9210879215b94d470f8fab4f39096d4da2de', 'vm d201a8fd-14d4-4f97-8323-84d7b00d1d61 13912 249401', 1795381891529810);
INSERT INTO tidewheel_asset.runs VALUES ('01M82HKCADSEF931', 'SentBack', 'done', 1795381899597934, 1795381905150385, '', 'ana', '', '{"chosen":{"learning_rate":0.10920436116002988},"estimator":"LGBMClassifier","fitted":{"boosting_type":"gbdt","class_weight":null,"colsample_bytree":1.0,"deterministic":true,"force_row_wise":true,"importance_type":"split","learning_rate":0.10920436116002988,"max_depth":-1,"min_child_samples":20,"min_child_weight":0.001,"min_split_gain":0.0,"n_estimators":5,"n_jobs":1,"num_leaves":7,"objective":null,"random_state":2,"reg_alpha":0.0,"reg_lambda":0.0,"subsample":1.0,"subsample_for_bin":200000,"subsample_freq":0,"verbose":-1},"notes":[],"parents":{},"prior":1.0,"seed":2,"test_rows":"d40e43994da4732b98ec7494c1d02ef7129f48a31326e8703b02629749ca2505","threads":1,"trials":2,"warnings":["customer.idle: 484 values on 484 train rows, nearly one a row: like an id or a clock, it knows no row to come"],"workers":1}', '{"as_of":1795381899534933,"commit":"","dataset":"802aac65345bf15489624b5023c2df2f542aff41a6926e38e0eab5f32fff1977","definitions":{"entity Customer":"bdd922ee5a2a8e69","event Order":"f0e56ffe684dc88f","event Return":"10f4de563d4820b4","features CustomerHistory":"9e49248aaf2d473d","files":"f06cca6b174aaf4078dd1333d0ea485e197967811588183269f1b08b14c185a4","model SentBack":"11dd45c77f927d57","view OrderView":"7c077b5736fe9e83"},"dirty_patch":"","libraries":{"lightgbm":"4.7.0","numba":"0.68.1","numpy":"2.4.6","optuna":"5.0.0","processor":"x86_64","pyarrow":"26.0.1","python":"3.11.7","scikit-learn":"1.9.1","scipy":"1.17.1","tidewheel":"0.1.0"},"log_head":1053,"parents":{},"rows":{"decided":0,"gap":68,"immature":58,"labelled":842,"rows":900,"test":141,"train":633},"seed":2,"tables":{"Customer":-1,"Order":0,"Return":0},"timings":{"data":0.053,"evaluate":0.213,"fit":0.156,"gates":1.88,"split":0.029,"tune":0.4,"validate":1.505}}', '[{"approvers":[],"blessing":"good","detail":"roc_auc is 0.6425 [0.5435, 0.7251] on 141 test rows; at least 0.5 is asked","evidence":{"value":0.6425410872313527},"expires":0,"gate":"at_least(roc_auc, 0.5)","passed":true},{"approvers":["head@shop"],"blessing":"good","detail":"average_precision 0.271, roc_auc 0.6425 on 141 test rows, the first to be deployed","evidence":{"average_precision":[0.2710254130874063,0.1876611357149997,0.41799994575609506],"roc_auc":[0.6425410872313527,0.5435406781117988,0.725126843966767]},"expires":604800000000,"gate":"ask(head@shop)","passed":false}]', '{"bundle":"044459e73d151e5d29994df96d0ff31702190bd19baa40b31949484e9ddf70d0","calibration":"f963129ed59be74ff131b6fc7b6df3a77eba355a83be03851909c246c084bf5f","environment":"b38f140f02e417ef7730bcd4ecaa7ce683658550d0500d1bd1975f69386f8e27","evaluation":"11a9a3865d32c1136a9318d30174f6dc6a534588e77665920b129c949abd7a1e","findings":"777ecf47cb2289123b91c6dc7b3e9c6a3b924fb930e2c710de3a851d055dd52d","held_out":"6d08b47e62b3f8ef1d3eb053e74450b1263fd538c34fc803b0f55950a2d63191","importance":"3ec957ed5e6cd3f9ce9e6a8fb62513370465023b94fc09c1a46b2aace4aade58","model.txt":"52d238cea291d81b9bf54e9f764496a814cd0da2983dc464ed22e14fd5968ab5","predictions":"02b23027008fb0ffda166908440b0c70b9c33d7ced03b9bb25e7161ebb9fad24","trials":"6a161ebd5540fc59d621a0c6d89a718e6f6b6ecda78105486d14b7d6ba27d483","tuning":"7491c63de55702c667ec8fd32a907522554d471019df562c0f7d3fcbf77c7bde"}', '', 'b56cfe70a0e74e761b19745ea29ea51086ae40001d297d1203b056e513498791', 'vm d201a8fd-14d4-4f97-8323-84d7b00d1d61 13912 249401', 1795381899597995);
INSERT INTO tidewheel_asset.runs VALUES ('01M82HKJX5QNNG28', 'SentBack', 'failed', 1795381906341820, 1795381908026549, '', 'ana', '', '{"as_of":978307200000000,"head":1053,"parents":{},"release":"a46086917f812c487052b51fd2c771bd6adf56661f7b0eff9c5a2a4893dc974f","seed":0,"threads":1}', '{"as_of":0,"commit":"","dataset":"","definitions":{},"dirty_patch":"","libraries":{},"log_head":0,"parents":{},"rows":{},"seed":0,"tables":{},"timings":{}}', '[]', '{}', 'data: SentBack: none of 0 Order rows can be trained on: there are none', 'a2b3db89d76994fccc92790a955d749383079de7e6216f332ef4ae0b30fc03e6', 'vm d201a8fd-14d4-4f97-8323-84d7b00d1d61 13912 249401', 1795381906341884);
INSERT INTO tidewheel_asset.service_versions VALUES ('d190e6519906444c', 'Screen', '{"deadline":20000,"doc":"Post an order, get ship / check.","explore":0.0,"fallback":[{"kind":"previous","model":"SentBack","type":"Fallback"},{"action":"ship","kind":"action","type":"Fallback"}],"file":"project.py","keep_rows":1.0,"line":73,"model":"SentBack","name":"Screen","on":"Order","rule_view":null,"rules":[],"thresholds":[["ship",0.0],["check",0.5]],"type":"Service"}', 'b8e10000dd8afc97', 1795381910438532);
INSERT INTO tidewheel_asset.thresholds VALUES ('Screen', 1, '{"check":0.4}', 1795381911460409, 'queue', 'ana');
INSERT INTO tidewheel_asset.tokens VALUES ('shop', 'ingest,decide', '312925be34c7f39f1b562b567107b79b1ef66b8476cfb75d9b96aaef1e449390', '11cfea3d2bd69b8a69e430d4deeb530a82ad2d5b3f2aa8d31ff8a704f65a4c11', 1795468312359582, 0, 1795381912225677, NULL, NULL, 'ana');
INSERT INTO tidewheel_asset.tokens VALUES ('ops', 'read', 'ace64d258b026763dca335579bbf40fad96da679bad71b9da87b667f7f881716', '', NULL, 0, 1795381912310464, NULL, 1795381912393839, 'ana');
INSERT INTO tidewheel_asset.trials VALUES ('01M82HJVXH70VXT3', 0, 'cce2db1ad2500153ce07417bb0a50b75a7a3da8ead7ab50beeb162a4d4b794e1', 'complete', '{"learning_rate":0.1}', '[]', '', 0.2670006778613322, 0.05536282299999584, 1795381887250592);
INSERT INTO tidewheel_asset.trials VALUES ('01M82HJVXH70VXT3', 1, 'cce2db1ad2500153ce07417bb0a50b75a7a3da8ead7ab50beeb162a4d4b794e1', 'complete', '{"learning_rate":0.13366875980837895}', '[]', '', 0.2720084482775403, 0.03430795999975089, 1795381887308792);
INSERT INTO tidewheel_asset.trials VALUES ('01M82HK4E9P7B1EP', 0, 'a9db6a546f112cc9e959d2628e67fb7ceff44da588b78367499c404c429a656d', 'complete', '{"learning_rate":0.1}', '[]', '', 0.2670006778613322, 0.06131800499997553, 1795381894640340);
INSERT INTO tidewheel_asset.trials VALUES ('01M82HK4E9P7B1EP', 1, 'a9db6a546f112cc9e959d2628e67fb7ceff44da588b78367499c404c429a656d', 'complete', '{"learning_rate":0.10555436531487483}', '[]', '', 0.28662899767745026, 0.053933721000248624, 1795381894799156);
INSERT INTO tidewheel_asset.trials VALUES ('01M82HKCADSEF931', 0, 'd2ffd1f3e2df03c130117971749011ee6d779dbe396e862376c754dd1f51b445', 'complete', '{"learning_rate":0.1}', '[]', '', 0.2670006778613322, 0.043101095000110945, 1795381901488458);
INSERT INTO tidewheel_asset.trials VALUES ('01M82HKCADSEF931', 1, 'd2ffd1f3e2df03c130117971749011ee6d779dbe396e862376c754dd1f51b445', 'complete', '{"learning_rate":0.10920436116002988}', '[]', '', 0.28662899767745026, 0.03835033899986229, 1795381901596975);
INSERT INTO tidewheel_asset.version_notes VALUES (1, 'SentBack', 2, 'shoes-look-better', 1795381909369936, 'ana');
INSERT INTO tidewheel_asset.version_tags VALUES ('SentBack', 2, 'team', 'returns', 1795381909260651, 'ana');
INSERT INTO tidewheel_asset.versions VALUES ('SentBack', 1, '01M82HJVXH70VXT3', '3053facf67d267fce256d90fd6c3fc80a37da067aa03213c5d4738f4457580cb', '7c077b5736fe9e83', '11dd45c77f927d57', '[{"high":0.4509077560758463,"low":0.17398810212196963,"metric":"average_precision","split":"test","value":0.28369387444553745},{"high":0.7459772372179219,"low":0.5087283749166579,"metric":"roc_auc","split":"test","value":0.6357458912768648},{"high":0.5905154591603298,"low":0.4058955337128713,"metric":"average_precision","split":"train","value":0.4942694313003973},{"high":0.8528451809817049,"low":0.7697239226266562,"metric":"roc_auc","split":"train","value":0.8130121156943764},{"high":null,"low":null,"metric":"average_precision","split":"baseline","value":0.19858156028368795},{"high":null,"low":null,"metric":"roc_auc","split":"baseline","value":0.5},{"high":null,"low":null,"metric":"average_precision","split":"baseline linear","value":0.37822828391589863},{"high":null,"low":null,"metric":"roc_auc","split":"baseline linear","value":0.693109987357775},{"high":null,"low":null,"metric":"calibration_error","split":"test","value":0.034620594053112005},{"high":null,"low":null,"metric":"brier","split":"test","value":0.15663413160720682}]', '[{"approvers":[],"blessing":"good","detail":"roc_auc is 0.6357 [0.5087, 0.746] on 141 test rows; at least 0.5 is asked","evidence":{"value":0.6357458912768648},"expires":0,"gate":"at_least(roc_auc, 0.5)","passed":true},{"approvers":["head@shop"],"blessing":"good","detail":"average_precision 0.2837, roc_auc 0.6357 on 141 test rows, the first to be deployed","evidence":{"average_precision":[0.28369387444553745,0.17398810212196963,0.4509077560758463],"roc_auc":[0.6357458912768648,0.5087283749166579,0.7459772372179219]},"expires":604800000000,"gate":"ask(head@shop)","passed":false}]', 'ana', 1795381890205937);
INSERT INTO tidewheel_asset.versions VALUES ('SentBack', 2, '01M82HK4E9P7B1EP', 'b16e731eccf791d116639f5ca6542404ff015ab2689176d4ff4bec3ff6fc2d20', '78caa17fc688ec26', '11dd45c77f927d57', '[{"high":0.48314509109768494,"low":0.20634578768996356,"metric":"average_precision","split":"test","value":0.29849210759296263},{"high":0.7557748538011696,"low":0.5622998057362464,"metric":"roc_auc","split":"test","value":0.650126422250316},{"high":0.5882337425745102,"low":0.4080490619476356,"metric":"average_precision","split":"train","value":0.5011932367962988},{"high":0.8537468833212596,"low":0.7738324063288281,"metric":"roc_auc","split":"train","value":0.8171878282792913},{"high":null,"low":null,"metric":"average_precision","split":"baseline","value":0.19858156028368795},{"high":null,"low":null,"metric":"roc_auc","split":"baseline","value":0.5},{"high":null,"low":null,"metric":"average_precision","split":"baseline linear","value":0.37822828391589863},{"high":null,"low":null,"metric":"roc_auc","split":"baseline linear","value":0.693109987357775},{"high":null,"low":null,"metric":"calibration_error","split":"test","value":0.03547698505607698},{"high":null,"low":null,"metric":"brier","split":"test","value":0.15511107497270638},{"high":0.4316487215371791,"low":0.19473940265702475,"metric":"average_precision","split":"previous","value":0.28369387444553745},{"high":0.7372801724137932,"low":0.5246695408172392,"metric":"roc_auc","split":"previous","value":0.6357458912768648}]', '[{"approvers":[],"blessing":"good","detail":"roc_auc is 0.6501 [0.5623, 0.7558] on 141 test rows; at least 0.5 is asked","evidence":{"value":0.650126422250316},"expires":0,"gate":"at_least(roc_auc, 0.5)","passed":true},{"approvers":["head@shop"],"blessing":"good","detail":"average_precision 0.2985, roc_auc 0.6501 on 141 test rows, the first to be deployed","evidence":{"average_precision":[0.29849210759296263,0.20634578768996356,0.48314509109768494],"roc_auc":[0.650126422250316,0.5622998057362464,0.7557748538011696]},"expires":604800000000,"gate":"ask(head@shop)","passed":false}]', 'ana', 1795381899178045);
INSERT INTO tidewheel_asset.versions VALUES ('SentBack', 3, '01M82HKCADSEF931', '044459e73d151e5d29994df96d0ff31702190bd19baa40b31949484e9ddf70d0', '78caa17fc688ec26', '11dd45c77f927d57', '[{"high":0.41799994575609506,"low":0.1876611357149997,"metric":"average_precision","split":"test","value":0.2710254130874063},{"high":0.725126843966767,"low":0.5435406781117988,"metric":"roc_auc","split":"test","value":0.6425410872313527},{"high":0.5810626956365869,"low":0.4146111258560883,"metric":"average_precision","split":"train","value":0.4873394090994667},{"high":0.8492473486682305,"low":0.7697016247266444,"metric":"roc_auc","split":"train","value":0.8051509209328385},{"high":null,"low":null,"metric":"average_precision","split":"baseline","value":0.19858156028368795},{"high":null,"low":null,"metric":"roc_auc","split":"baseline","value":0.5},{"high":null,"low":null,"metric":"average_precision","split":"baseline linear","value":0.37822828391589863},{"high":null,"low":null,"metric":"roc_auc","split":"baseline linear","value":0.693109987357775},{"high":null,"low":null,"metric":"calibration_error","split":"test","value":0.04094089062853087},{"high":null,"low":null,"metric":"brier","split":"test","value":0.155818048315581},{"high":0.4552258086695424,"low":0.21195812886779317,"metric":"average_precision","split":"previous","value":0.29849210759296263},{"high":0.7648995703041336,"low":0.5296625344352618,"metric":"roc_auc","split":"previous","value":0.650126422250316}]', '[{"approvers":[],"blessing":"good","detail":"roc_auc is 0.6425 [0.5435, 0.7251] on 141 test rows; at least 0.5 is asked","evidence":{"value":0.6425410872313527},"expires":0,"gate":"at_least(roc_auc, 0.5)","passed":true},{"approvers":["head@shop"],"blessing":"good","detail":"average_precision 0.271, roc_auc 0.6425 on 141 test rows, the first to be deployed","evidence":{"average_precision":[0.2710254130874063,0.1876611357149997,0.41799994575609506],"roc_auc":[0.6425410872313527,0.5435406781117988,0.725126843966767]},"expires":604800000000,"gate":"ask(head@shop)","passed":false}]', 'ana', 1795381905150385);
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
