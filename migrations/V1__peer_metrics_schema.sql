-- The schema that the Peer Metrics API works on, as Django migrations up to app.0004 leave it: an empty database becomes
-- one that the API can run on. Names of keys and indexes are Django's, which later migrations of it refer to by name.
--
-- Never change this file once it is released: databases remember its checksum. Names are not qualified, so that the
-- tables arise in the first schema of the search path, as Django's do.

-- Accounts ----------------------------------------------------------------------------------------

-- An account. Everything below belongs to one through its apps.
CREATE TABLE organization (
    id         uuid        NOT NULL,
    name       varchar(64) NOT NULL,
    created_at timestamptz NOT NULL,
    is_active  boolean     NOT NULL,
    CONSTRAINT organization_pkey PRIMARY KEY (id)
);

-- One product of an organization, with the key that its pages report under.
CREATE TABLE app (
    id              uuid         NOT NULL,
    name            varchar(64)  NOT NULL,
    api_key         varchar(32)  NOT NULL,
    domain          varchar(256),
    "interval"      integer      NOT NULL,
    recording       boolean      NOT NULL,
    durations_days  jsonb,
    created_at      timestamptz  NOT NULL,
    is_active       boolean      NOT NULL,
    organization_id uuid         NOT NULL,
    CONSTRAINT app_pkey PRIMARY KEY (id),
    CONSTRAINT app_api_key_key UNIQUE (api_key),
    CONSTRAINT app_organization_id_2a92b396_fk_organization_id
        FOREIGN KEY (organization_id) REFERENCES organization (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX app_api_key_4a0a087d_like ON app (api_key varchar_pattern_ops);
CREATE INDEX app_organization_id_2a92b396 ON app (organization_id);

-- Calls -------------------------------------------------------------------------------------------

-- A room by the name that the app gave it: a room used every morning is one row with many sessions.
CREATE TABLE conference (
    id              uuid        NOT NULL,
    conference_id   varchar(64) NOT NULL,
    conference_name varchar(64),
    conference_info jsonb,
    start_time      timestamptz,
    call_start      timestamptz,
    end_time        timestamptz,
    ongoing         boolean     NOT NULL,
    duration        integer     NOT NULL,
    created_at      timestamptz NOT NULL,
    is_active       boolean     NOT NULL,
    app_id          uuid        NOT NULL,
    CONSTRAINT conference_pkey PRIMARY KEY (id),
    CONSTRAINT conference_conference_id_app_id_cca8bada_uniq UNIQUE (conference_id, app_id),
    CONSTRAINT conference_duration_check CHECK (duration >= 0),
    CONSTRAINT conference_app_id_1d4d5faa_fk_app_id
        FOREIGN KEY (app_id) REFERENCES app (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX conference_app_id_1d4d5faa ON conference (app_id);
CREATE INDEX conference_conference_id_25a57d39 ON conference (conference_id);
CREATE INDEX conference_conference_id_25a57d39_like ON conference (conference_id varchar_pattern_ops);
CREATE INDEX idx_conf_app_created ON conference (app_id, created_at DESC);

-- A person or a media server, by the id that the app gave it.
CREATE TABLE participant (
    id               uuid        NOT NULL,
    participant_id   varchar(64) NOT NULL,
    participant_name varchar(64),
    is_sfu           boolean     NOT NULL,
    created_at       timestamptz NOT NULL,
    is_active        boolean     NOT NULL,
    app_id           uuid        NOT NULL,
    CONSTRAINT participant_pkey PRIMARY KEY (id),
    CONSTRAINT participant_participant_id_app_id_07c457cb_uniq UNIQUE (participant_id, app_id),
    CONSTRAINT participant_app_id_8a6d3a93_fk_app_id
        FOREIGN KEY (app_id) REFERENCES app (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX participant_app_id_8a6d3a93 ON participant (app_id);
CREATE INDEX participant_participant_id_2db62093 ON participant (participant_id);
CREATE INDEX participant_participant_id_2db62093_like ON participant (participant_id varchar_pattern_ops);

-- Who was ever in which room.
CREATE TABLE participant_conferences (
    id             serial NOT NULL,
    participant_id uuid   NOT NULL,
    conference_id  uuid   NOT NULL,
    CONSTRAINT participant_conferences_pkey PRIMARY KEY (id),
    CONSTRAINT participant_conferences_participant_id_conferenc_7df6e9cc_uniq UNIQUE (participant_id, conference_id),
    CONSTRAINT participant_conferen_participant_id_f0184354_fk_participa
        FOREIGN KEY (participant_id) REFERENCES participant (id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT participant_conferences_conference_id_e36d8bba_fk_conference_id
        FOREIGN KEY (conference_id) REFERENCES conference (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX participant_conferences_conference_id_e36d8bba ON participant_conferences (conference_id);
CREATE INDEX participant_conferences_participant_id_f0184354 ON participant_conferences (participant_id);

-- One visit of a participant to a conference: from opening the page to leaving it.
CREATE TABLE app_session (
    id             uuid        NOT NULL,
    constraints    jsonb,
    devices        jsonb,
    platform       jsonb,
    metadata       jsonb,
    geo_ip         jsonb,
    app_version    varchar(16),
    webrtc_sdk     varchar(16),
    session_info   jsonb,
    duration       integer     NOT NULL,
    end_time       timestamptz,
    call_start     timestamptz,
    created_at     timestamptz NOT NULL,
    is_active      boolean     NOT NULL,
    conference_id  uuid        NOT NULL,
    participant_id uuid        NOT NULL,
    CONSTRAINT app_session_pkey PRIMARY KEY (id),
    CONSTRAINT app_session_duration_check CHECK (duration >= 0),
    CONSTRAINT app_session_conference_id_d9afb23c_fk_conference_id
        FOREIGN KEY (conference_id) REFERENCES conference (id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT app_session_participant_id_652f358d_fk_participant_id
        FOREIGN KEY (participant_id) REFERENCES participant (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX app_session_conference_id_d9afb23c ON app_session (conference_id);
CREATE INDEX app_session_participant_id_652f358d ON app_session (participant_id);

-- One RTCPeerConnection of a session, with the participant at its other end.
CREATE TABLE app_connection (
    id              uuid        NOT NULL,
    type            varchar(1),
    state           varchar(32) NOT NULL,
    connection_info jsonb,
    start_time      timestamptz,
    end_time        timestamptz,
    duration        integer     NOT NULL,
    created_at      timestamptz NOT NULL,
    is_active       boolean     NOT NULL,
    conference_id   uuid        NOT NULL,
    participant_id  uuid        NOT NULL,
    peer_id         uuid        NOT NULL,
    session_id      uuid        NOT NULL,
    CONSTRAINT app_connection_pkey PRIMARY KEY (id),
    CONSTRAINT app_connection_duration_check CHECK (duration >= 0),
    CONSTRAINT app_connection_conference_id_6aa52d56_fk_conference_id
        FOREIGN KEY (conference_id) REFERENCES conference (id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT app_connection_participant_id_02b0fc22_fk_participant_id
        FOREIGN KEY (participant_id) REFERENCES participant (id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT app_connection_peer_id_469cad40_fk_participant_id
        FOREIGN KEY (peer_id) REFERENCES participant (id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT app_connection_session_id_16ca4d45_fk_app_session_id
        FOREIGN KEY (session_id) REFERENCES app_session (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX app_connection_conference_id_6aa52d56 ON app_connection (conference_id);
CREATE INDEX app_connection_participant_id_02b0fc22 ON app_connection (participant_id);
CREATE INDEX app_connection_peer_id_469cad40 ON app_connection (peer_id);
CREATE INDEX app_connection_session_id_16ca4d45 ON app_connection (session_id);

-- One MediaStreamTrack, sent or received.
CREATE TABLE app_track (
    id            uuid         NOT NULL,
    kind          varchar(1)   NOT NULL,
    direction     varchar(1)   NOT NULL,
    track_id      varchar(40)  NOT NULL,
    label         varchar(128),
    track_info    jsonb,
    created_at    timestamptz  NOT NULL,
    is_active     boolean      NOT NULL,
    connection_id uuid,
    session_id    uuid         NOT NULL,
    CONSTRAINT app_track_pkey PRIMARY KEY (id),
    CONSTRAINT app_track_connection_id_88b2cfbd_fk_app_connection_id
        FOREIGN KEY (connection_id) REFERENCES app_connection (id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT app_track_session_id_54d6acb5_fk_app_session_id
        FOREIGN KEY (session_id) REFERENCES app_session (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX app_track_connection_id_88b2cfbd ON app_track (connection_id);
CREATE INDEX app_track_session_id_54d6acb5 ON app_track (session_id);
CREATE INDEX app_track_track_id_8eac92ea ON app_track (track_id);
CREATE INDEX app_track_track_id_8eac92ea_like ON app_track (track_id varchar_pattern_ops);

-- All that the SDK reports, getStats samples included (type `stats`): by far the largest table.
CREATE TABLE app_genericevent (
    id             uuid        NOT NULL,
    type           varchar(32) NOT NULL,
    category       varchar(1)  NOT NULL,
    data           jsonb,
    created_at     timestamptz NOT NULL,
    is_active      boolean     NOT NULL,
    app_id         uuid        NOT NULL,
    conference_id  uuid        NOT NULL,
    connection_id  uuid,
    participant_id uuid        NOT NULL,
    peer_id        uuid,
    session_id     uuid        NOT NULL,
    track_id       uuid,
    CONSTRAINT app_genericevent_pkey PRIMARY KEY (id),
    CONSTRAINT app_genericevent_app_id_6795ecb9_fk_app_id
        FOREIGN KEY (app_id) REFERENCES app (id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT app_genericevent_conference_id_62688e30_fk_conference_id
        FOREIGN KEY (conference_id) REFERENCES conference (id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT app_genericevent_connection_id_a6bd8c61_fk_app_connection_id
        FOREIGN KEY (connection_id) REFERENCES app_connection (id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT app_genericevent_participant_id_d6e55b81_fk_participant_id
        FOREIGN KEY (participant_id) REFERENCES participant (id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT app_genericevent_peer_id_a70dafdd_fk_participant_id
        FOREIGN KEY (peer_id) REFERENCES participant (id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT app_genericevent_session_id_d7517f8c_fk_app_session_id
        FOREIGN KEY (session_id) REFERENCES app_session (id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT app_genericevent_track_id_123e7d7a_fk_app_track_id
        FOREIGN KEY (track_id) REFERENCES app_track (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX app_genericevent_app_id_6795ecb9 ON app_genericevent (app_id);
CREATE INDEX app_genericevent_conference_id_62688e30 ON app_genericevent (conference_id);
CREATE INDEX app_genericevent_connection_id_a6bd8c61 ON app_genericevent (connection_id);
CREATE INDEX app_genericevent_participant_id_d6e55b81 ON app_genericevent (participant_id);
CREATE INDEX app_genericevent_peer_id_a70dafdd ON app_genericevent (peer_id);
CREATE INDEX app_genericevent_session_id_d7517f8c ON app_genericevent (session_id);
CREATE INDEX app_genericevent_track_id_123e7d7a ON app_genericevent (track_id);
CREATE INDEX idx_genevent_app_created ON app_genericevent (app_id, created_at DESC);

-- What Peer Metrics found wrong with a session.
CREATE TABLE app_issue (
    id             uuid        NOT NULL,
    type           varchar(1)  NOT NULL,
    code           varchar(32) NOT NULL,
    data           jsonb,
    created_at     timestamptz NOT NULL,
    is_active      boolean     NOT NULL,
    conference_id  uuid,
    connection_id  uuid,
    participant_id uuid,
    session_id     uuid        NOT NULL,
    track_id       uuid,
    CONSTRAINT app_issue_pkey PRIMARY KEY (id),
    CONSTRAINT app_issue_conference_id_fa340bd6_fk_conference_id
        FOREIGN KEY (conference_id) REFERENCES conference (id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT app_issue_connection_id_2ad04578_fk_app_connection_id
        FOREIGN KEY (connection_id) REFERENCES app_connection (id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT app_issue_participant_id_3623d332_fk_participant_id
        FOREIGN KEY (participant_id) REFERENCES participant (id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT app_issue_session_id_26d78c40_fk_app_session_id
        FOREIGN KEY (session_id) REFERENCES app_session (id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT app_issue_track_id_843d8ce5_fk_app_track_id
        FOREIGN KEY (track_id) REFERENCES app_track (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX app_issue_conference_id_fa340bd6 ON app_issue (conference_id);
CREATE INDEX app_issue_connection_id_2ad04578 ON app_issue (connection_id);
CREATE INDEX app_issue_participant_id_3623d332 ON app_issue (participant_id);
CREATE INDEX app_issue_session_id_26d78c40 ON app_issue (session_id);
CREATE INDEX app_issue_track_id_843d8ce5 ON app_issue (track_id);
CREATE INDEX idx_issue_conf_type ON app_issue (conference_id, type);

-- The events that an issue was found in.
CREATE TABLE app_issue_events (
    id              serial NOT NULL,
    issue_id        uuid   NOT NULL,
    genericevent_id uuid   NOT NULL,
    CONSTRAINT app_issue_events_pkey PRIMARY KEY (id),
    CONSTRAINT app_issue_events_issue_id_genericevent_id_7c44165e_uniq UNIQUE (issue_id, genericevent_id),
    CONSTRAINT app_issue_events_genericevent_id_eb3cebb8_fk_app_gener
        FOREIGN KEY (genericevent_id) REFERENCES app_genericevent (id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT app_issue_events_issue_id_0a7710b9_fk_app_issue_id
        FOREIGN KEY (issue_id) REFERENCES app_issue (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX app_issue_events_genericevent_id_eb3cebb8 ON app_issue_events (genericevent_id);
CREATE INDEX app_issue_events_issue_id_0a7710b9 ON app_issue_events (issue_id);

-- What Peer Metrics concluded about a conference when it ended.
CREATE TABLE summary (
    id            uuid        NOT NULL,
    status        varchar(1)  NOT NULL,
    version       integer     NOT NULL,
    end_time      timestamptz,
    data          jsonb,
    created_at    timestamptz NOT NULL,
    is_active     boolean     NOT NULL,
    conference_id uuid        NOT NULL,
    CONSTRAINT summary_pkey PRIMARY KEY (id),
    CONSTRAINT summary_conference_id_key UNIQUE (conference_id),
    CONSTRAINT summary_version_check CHECK (version >= 0),
    CONSTRAINT summary_conference_id_3b11a291_fk_conference_id
        FOREIGN KEY (conference_id) REFERENCES conference (id) DEFERRABLE INITIALLY DEFERRED
);

-- Django: permissions and users -------------------------------------------------------------------

CREATE TABLE django_content_type (
    id        serial       NOT NULL,
    app_label varchar(100) NOT NULL,
    model     varchar(100) NOT NULL,
    CONSTRAINT django_content_type_pkey PRIMARY KEY (id),
    CONSTRAINT django_content_type_app_label_model_76bd3d3b_uniq UNIQUE (app_label, model)
);

CREATE TABLE auth_permission (
    id              serial       NOT NULL,
    name            varchar(255) NOT NULL,
    content_type_id integer      NOT NULL,
    codename        varchar(100) NOT NULL,
    CONSTRAINT auth_permission_pkey PRIMARY KEY (id),
    CONSTRAINT auth_permission_content_type_id_codename_01ab375a_uniq UNIQUE (content_type_id, codename),
    CONSTRAINT auth_permission_content_type_id_2f476e4b_fk_django_co
        FOREIGN KEY (content_type_id) REFERENCES django_content_type (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX auth_permission_content_type_id_2f476e4b ON auth_permission (content_type_id);

CREATE TABLE auth_group (
    id   serial       NOT NULL,
    name varchar(150) NOT NULL,
    CONSTRAINT auth_group_pkey PRIMARY KEY (id),
    CONSTRAINT auth_group_name_key UNIQUE (name)
);
CREATE INDEX auth_group_name_a6ea08ec_like ON auth_group (name varchar_pattern_ops);

CREATE TABLE auth_group_permissions (
    id            serial  NOT NULL,
    group_id      integer NOT NULL,
    permission_id integer NOT NULL,
    CONSTRAINT auth_group_permissions_pkey PRIMARY KEY (id),
    CONSTRAINT auth_group_permissions_group_id_permission_id_0cd325b0_uniq UNIQUE (group_id, permission_id),
    CONSTRAINT auth_group_permissio_permission_id_84c5c92e_fk_auth_perm
        FOREIGN KEY (permission_id) REFERENCES auth_permission (id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT auth_group_permissions_group_id_b120cbf9_fk_auth_group_id
        FOREIGN KEY (group_id) REFERENCES auth_group (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX auth_group_permissions_group_id_b120cbf9 ON auth_group_permissions (group_id);
CREATE INDEX auth_group_permissions_permission_id_84c5c92e ON auth_group_permissions (permission_id);

-- Who may log in to the web part.
CREATE TABLE users (
    password        varchar(128) NOT NULL,
    last_login      timestamptz,
    is_superuser    boolean      NOT NULL,
    username        varchar(150) NOT NULL,
    first_name      varchar(30)  NOT NULL,
    last_name       varchar(150) NOT NULL,
    email           varchar(254) NOT NULL,
    is_staff        boolean      NOT NULL,
    is_active       boolean      NOT NULL,
    date_joined     timestamptz  NOT NULL,
    id              uuid         NOT NULL,
    last_active     date,
    notifications   jsonb,
    is_verified     boolean      NOT NULL,
    days_filter     integer      NOT NULL,
    usage           integer      NOT NULL,
    created_at      timestamptz  NOT NULL,
    organization_id uuid,
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_username_key UNIQUE (username),
    CONSTRAINT users_days_filter_check CHECK (days_filter >= 0),
    CONSTRAINT users_usage_check CHECK (usage >= 0),
    CONSTRAINT users_organization_id_abe5d649_fk_organization_id
        FOREIGN KEY (organization_id) REFERENCES organization (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX users_organization_id_abe5d649 ON users (organization_id);
CREATE INDEX users_username_e8658fc8_like ON users (username varchar_pattern_ops);

CREATE TABLE users_groups (
    id       serial  NOT NULL,
    user_id  uuid    NOT NULL,
    group_id integer NOT NULL,
    CONSTRAINT users_groups_pkey PRIMARY KEY (id),
    CONSTRAINT users_groups_user_id_group_id_fc7788e8_uniq UNIQUE (user_id, group_id),
    CONSTRAINT users_groups_group_id_2f3517aa_fk_auth_group_id
        FOREIGN KEY (group_id) REFERENCES auth_group (id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT users_groups_user_id_f500bee5_fk_users_id
        FOREIGN KEY (user_id) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX users_groups_group_id_2f3517aa ON users_groups (group_id);
CREATE INDEX users_groups_user_id_f500bee5 ON users_groups (user_id);

CREATE TABLE users_user_permissions (
    id            serial  NOT NULL,
    user_id       uuid    NOT NULL,
    permission_id integer NOT NULL,
    CONSTRAINT users_user_permissions_pkey PRIMARY KEY (id),
    CONSTRAINT users_user_permissions_user_id_permission_id_3b86cbdf_uniq UNIQUE (user_id, permission_id),
    CONSTRAINT users_user_permissio_permission_id_6d08dcd2_fk_auth_perm
        FOREIGN KEY (permission_id) REFERENCES auth_permission (id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT users_user_permissions_user_id_92473840_fk_users_id
        FOREIGN KEY (user_id) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX users_user_permissions_permission_id_6d08dcd2 ON users_user_permissions (permission_id);
CREATE INDEX users_user_permissions_user_id_92473840 ON users_user_permissions (user_id);

-- Django: house-keeping ---------------------------------------------------------------------------

CREATE TABLE django_admin_log (
    id              serial       NOT NULL,
    action_time     timestamptz  NOT NULL,
    object_id       text,
    object_repr     varchar(200) NOT NULL,
    action_flag     smallint     NOT NULL,
    change_message  text         NOT NULL,
    content_type_id integer,
    user_id         uuid         NOT NULL,
    CONSTRAINT django_admin_log_pkey PRIMARY KEY (id),
    CONSTRAINT django_admin_log_action_flag_check CHECK (action_flag >= 0),
    CONSTRAINT django_admin_log_content_type_id_c4bce8eb_fk_django_co
        FOREIGN KEY (content_type_id) REFERENCES django_content_type (id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT django_admin_log_user_id_c564eba6_fk_users_id
        FOREIGN KEY (user_id) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX django_admin_log_content_type_id_c4bce8eb ON django_admin_log (content_type_id);
CREATE INDEX django_admin_log_user_id_c564eba6 ON django_admin_log (user_id);

CREATE TABLE django_session (
    session_key  varchar(40) NOT NULL,
    session_data text        NOT NULL,
    expire_date  timestamptz NOT NULL,
    CONSTRAINT django_session_pkey PRIMARY KEY (session_key)
);
CREATE INDEX django_session_expire_date_a5c62663 ON django_session (expire_date);
CREATE INDEX django_session_session_key_c0390e0f_like ON django_session (session_key varchar_pattern_ops);

CREATE TABLE django_migrations (
    id      serial       NOT NULL,
    app     varchar(255) NOT NULL,
    name    varchar(255) NOT NULL,
    applied timestamptz  NOT NULL,
    CONSTRAINT django_migrations_pkey PRIMARY KEY (id)
);

-- Django's own record of what has been applied, so that `manage.py migrate` finds nothing left to do. Content types and
-- permissions are not here: Django adds them itself after each `migrate`.
INSERT INTO django_migrations (app, name, applied)
SELECT app, name, now()
FROM (VALUES
    (1, 'contenttypes', '0001_initial'),
    (2, 'contenttypes', '0002_remove_content_type_name'),
    (3, 'auth', '0001_initial'),
    (4, 'auth', '0002_alter_permission_name_max_length'),
    (5, 'auth', '0003_alter_user_email_max_length'),
    (6, 'auth', '0004_alter_user_username_opts'),
    (7, 'auth', '0005_alter_user_last_login_null'),
    (8, 'auth', '0006_require_contenttypes_0002'),
    (9, 'auth', '0007_alter_validators_add_error_messages'),
    (10, 'auth', '0008_alter_user_username_max_length'),
    (11, 'auth', '0009_alter_user_last_name_max_length'),
    (12, 'auth', '0010_alter_group_name_max_length'),
    (13, 'auth', '0011_update_proxy_permissions'),
    (14, 'app', '0001_initial'),
    (15, 'admin', '0001_initial'),
    (16, 'admin', '0002_logentry_remove_auto_add'),
    (17, 'admin', '0003_logentry_add_action_flag_choices'),
    (18, 'app', '0002_conference_unique_conference_id_app'),
    (19, 'app', '0003_conference_unique_together'),
    (20, 'app', '0004_dashboard_indexes'),
    (21, 'sessions', '0001_initial')
) AS done (position, app, name)
ORDER BY position;
