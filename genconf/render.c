#include "render.h"

#include <stdbool.h>
#include <string.h>

#include "connections.h"
#include "names.h"
#include "version.h"

#define LOOKUP " init-addr last,libc,none resolvers dns"
/* Another than the agent's own, should it run on this host after all. */
#define RELAY_ADDRESS "127.0.0.2"
#define CHECK_RISE 1
#define RETRY_AFTER_MAX_S 30
/* Of a refusal because of too many jobs: one of them may end any moment. */
#define RETRY_AFTER_FULL_S "5"
/* A routing key is (room * 65536 + a random number) * 65536 + the instance's number. */
#define KEY_FIELD 65536
/*
 * The room of an instance without load: a number that stays above 0 for the greatest load, drained
 * (DRAINED_LOAD) and with every penalty. Rooms are computed modulo 2^31, so that a key has 63 bits.
 */
#define ROOM (1U << 30)
#define ROOM_MASK 2147483647U
_Static_assert(ROOM / LOAD_UNIT > DRAINED_LOAD + 8U * 1000000U, "a drained instance has room left");
#define TABLE_SIZE (INSTANCE_NUMBER_MAX + 1U) /* a bound; entries are made when needed */
#define JOBS_EXPIRE "24d" /* the longest; the agent's word stands until the next one */
/* How long a failure is held against an instance, and how long it makes the next one weigh more. */
#define PENALTY_EXPIRE "10s"
#define FAILURES_EXPIRE "10m"
/* The largest answer that is looked into. */
#define ANSWER_MAX 8192
/* HAProxy's own verdict of an instance that isn't there yet must not outlast the agent's. */
#define DOWN_INTER_MAX_MS 1000U
#define NOBODY                                                                                     \
    "    http-request return status 503 content-type application/json string "                     \
    "'{\"detail\":\"No healthy backend instances available\"}' hdr Retry-After %u"
/* Numbers with a comma before each: at most PASSES_MAX, which fit HAProxy's 127 bytes. */
_Static_assert(PASSES_MAX * sizeof("65535") < 128, "else a number would be cut off");
#define TRIED "\"%%[var(txn.tried)],%%[var(txn.number)]\""
#define KEY_NONE "0"
#define AGAIN_ID 1

static bool needs_resolver(const struct url *url)
{
    /* RFC 6761 section 6.3: localhost is always the loopback, DNS must not be asked. */
    return url->host_kind == URL_HOST_NAME && !url_is_localhost(url->host);
}

static bool any_resolver(const struct config *config)
{
    for (size_t i = 0; i < config->instance_count; i++) {
        if (needs_resolver(&config->instances[i].url))
            return true;
    }
    return config_agent_is_remote(config);
}

static bool any_path_prefix(const struct config *config)
{
    for (size_t i = 0; i < config->instance_count; i++) {
        if (config->instances[i].url.path[0] != '\0')
            return true;
    }
    return false;
}

static unsigned retry_after_s(const struct config *config)
{
    unsigned seconds = (config->check_interval_ms + 999) / 1000;

    return seconds > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S : seconds;
}

/* An address as a bind or server line wants it. */
static void put_address(FILE *out, const char *address, unsigned port)
{
    bool is_ipv6 = strchr(address, ':') != NULL;

    fprintf(out, is_ipv6 ? "[%s]:%u" : "%s:%u", address, port);
}

static const char *syslog_level(enum log_level level)
{
    switch (level) {
    case LOG_DEBUG:
        return "debug";
    case LOG_INFO:
        return "info";
    case LOG_WARNING:
        return "warning";
    case LOG_ERROR:
        return "err";
    }
    return "info";
}

static void render_head(FILE *out, const struct config *config)
{
    fprintf(
        out,
        "# haproxy.cfg for %zu instance%s, written by leastjobs-genconf " LEASTJOBS_VERSION ".\n"
        "# Don't edit it: change the variables and generate it again.\n"
        "#\n"
        "# How a job finds its instance:\n"
        "#   balancer  the public frontend: which paths there are, what clients may not send\n"
        "#   farm      the instances. Its http-request rules pick the one with the least load:\n"
        "#             jobs that this HAProxy has open on it, plus jobs that the agent knows of\n"
        "#             and HAProxy can't see (table jobs), plus a penalty for failures\n"
        "#   again     a loop from farm back into farm, for a job whose instance could not be\n"
        "#             connected to: it is picked anew, without the instances already tried\n"
        "#   status    the agent's answers to GET / and GET /health\n"
        "#   admin     the statistics page and the Prometheus exporter\n",
        config->instance_count, config->instance_count == 1 ? "" : "s");
}

static bool gives_up_root(const struct config *config)
{
    return config->haproxy_user != NULL && strcmp(config->haproxy_user, "root") != 0;
}

static void render_user(FILE *out, const struct config *config)
{
    if (!gives_up_root(config))
        return;
    fprintf(out,
            "    # Started as root, the workers are root no more, and see no files.\n"
            "    user %s\n"
            "    group %s\n"
            "    chroot " HAPROXY_CHROOT "\n",
            config->haproxy_user, config->haproxy_user);
}

/* Mozilla's intermediate configuration, version 5.7. */
static void render_tls_settings(FILE *out, const struct config *config)
{
    if (config->tls_cert_file == NULL)
        return;
    fprintf(out, "    ssl-default-bind-options ssl-min-ver TLSv1.2 prefer-client-ciphers "
                 "no-tls-tickets\n"
                 "    ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
                 "TLS_CHACHA20_POLY1305_SHA256\n"
                 "    ssl-default-bind-ciphers ECDHE-ECDSA-AES128-GCM-SHA256:"
                 "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
                 "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:"
                 "ECDHE-RSA-CHACHA20-POLY1305\n");
}

static void render_global(FILE *out, const struct config *config)
{
    fprintf(out,
            "\nglobal\n"
            "    # A server's open requests are counted after the rules of farm have run: two\n"
            "    # threads may pick the same server in a burst, one thread can't.\n"
            "    nbthread %u\n",
            config->threads);
    fprintf(out,
            "    # Jobs of clients, status requests, passes through the loop, watchers.\n"
            "    maxconn %u\n"
            "    # The first checks at once: until then every instance looks empty.\n"
            "    max-spread-checks 100\n",
            connections_total(config, config->max_connections));
    render_user(out, config);
    render_tls_settings(out, config);
    fprintf(
        out,
        "    log stdout len 8192 format raw daemon %s\n"
        "    # The agent reads open requests and administrative states here, and writes what it\n"
        "    # knows into table " TABLE_JOBS "; it can't change a server. The operator's socket\n"
        "    # (drain, maint, ready) is the second one.\n"
        "    stats socket %s mode 660 level operator%s%s\n"
        "    stats socket %s.admin mode 600 level admin expose-fd listeners\n"
        "    # More than ten, HAProxy's default: a few that hang must not keep the agent out.\n"
        "    stats maxconn %u\n"
        "    stats timeout 10s\n"
        "    # The agent notes there who is drained or in maintenance, for the next process.\n"
        "    server-state-file %s" STATE_FILE_SUFFIX "\n",
        syslog_level(config->log_level), config->haproxy_socket,
        gives_up_root(config) ? " group " : "", gives_up_root(config) ? config->haproxy_user : "",
        config->haproxy_socket, connections_sessions(config->max_connections),
        config->haproxy_socket);
}

static void render_error(FILE *out, unsigned status, const char *detail)
{
    fprintf(out,
            "    http-error status %u content-type application/json string "
            "'{\"detail\":\"%s\"}'\n",
            status, detail);
}

static void render_defaults(FILE *out, const struct config *config)
{
    fprintf(out,
            "\ndefaults\n"
            "    mode http\n"
            "    log global\n"
            "    option dontlognull\n"
            "    # A client that goes away takes its job with it.\n"
            "    option abortonclose\n"
            "    # One connection a job. A reused one that an instance has just closed would look\n"
            "    # like a lost job.\n"
            "    option http-server-close\n"
            "    http-reuse never\n"
            "    # Send small pieces at once, both ways: those of a streamed answer or upload\n"
            "    # would each wait 200 ms for the next one.\n"
            "    option http-no-delay\n"
            "    # Only a connection that failed is tried again, never a request that was sent:\n"
            "    # a job must not run twice.\n"
            "    retry-on conn-failure\n"
            "    # A job may be silent for an hour, behind a NAT that forgets in minutes.\n"
            "    option clitcpka\n"
            "    clitcpka-idle 60s\n"
            "    clitcpka-intvl 15s\n"
            "    clitcpka-cnt 8\n"
            "    option srvtcpka\n"
            "    srvtcpka-idle 60s\n"
            "    srvtcpka-intvl 15s\n"
            "    srvtcpka-cnt 8\n"
            "    # What comes in one moment waits to be accepted, not refused by the kernel.\n"
            "    backlog 1024\n"
            "    timeout http-request 10s\n"
            "    timeout connect %ums\n"
            "    timeout client %ums\n"
            "    timeout server %ums\n"
            "    timeout tunnel %ums\n"
            "    timeout check %ums\n",
            config->connect_timeout_ms, config->request_timeout_ms, config->request_timeout_ms,
            config->request_timeout_ms, config->check_timeout_ms);
    fprintf(out,
            "    # HAProxy's own answers, in the form of the instances' own errors. Those of its\n"
            "    # parser (400 to what is no request) are compiled in and stay HTML.\n");
    render_error(out, 400, "Bad Request");
    render_error(out, 408, "Request Timeout");
    render_error(out, 413, "Payload Too Large");
    render_error(out, 500, "Internal Server Error");
    render_error(out, 502, "The instance closed the connection before its response was complete");
    render_error(out, 503, "Service Unavailable");
    render_error(out, 504, "The instance did not respond in time");
}

static void render_resolvers(FILE *out)
{
    fprintf(out, "\n# Follows an instance's name when its address changes. What DNS doesn't know\n"
                 "# (names of /etc/hosts, an outage of DNS) keeps the address that it had.\n"
                 "resolvers dns\n"
                 "    parse-resolv-conf\n"
                 "    accepted_payload_size 8192\n"
                 "    hold valid 5s\n"
                 "    hold nx 20d\n"
                 "    hold refused 20d\n"
                 "    hold timeout 20d\n"
                 "    hold other 20d\n");
}

static void render_extra_paths(FILE *out, const char *paths)
{
    while (paths != NULL && *paths != '\0') {
        size_t length = strcspn(paths, ",");
        bool is_prefix = paths[length - 1] == '/';
        fprintf(out, "    acl extra_path %s %.*s\n", is_prefix ? "path_beg" : "path", (int)length,
                paths);
        paths += length + (paths[length] == ',');
    }
}

static bool has_prefix(const char *paths)
{
    size_t length = paths == NULL ? 0 : strlen(paths);

    return length > 0 && (paths[length - 1] == '/' || strstr(paths, "/,") != NULL);
}

/* Every instance's load in each line costs nearly as much as the pick itself. */
static bool logs_loads(const struct config *config)
{
    return config->log_level <= LOG_DEBUG;
}

static void render_log_format(FILE *out, const struct config *config)
{
    fprintf(out,
            "    # One line a job. tried are the instances that could not be connected to; times\n"
            "    # in milliseconds; penalty is the instance's by now.%s\n"
            "    log-format \"%%ci:%%cp pick=%%[var(txn.pick)] load=%%[var(txn.load)] "
            "%stried=%%[var(txn.tried),bytes(1)] "
            "penalty=%%[var(txn.pick),bytes(8),table_gpt0(" TABLE_FAILED
            ")] status=%%ST in=%%U out=%%B connect=%%Tc response=%%Tr "
            "total=%%Ta state=%%ts open=%%fc %%{+Q}r\"\n",
            logs_loads(config) ? " loads is each instance's open+unseen+penalty at the pick." : "",
            logs_loads(config) ? "loads=%[var(txn.loads)] " : "");
}

/* The same answer for a missing key and a wrong one. */
static void render_api_keys(FILE *out, const struct config *config)
{
    if (config->api_keys_file == NULL)
        return;
    fprintf(
        out,
        "    # The key is the balancer's: instances don't get it, and the log doesn't show it.\n"
        "    acl has_key http_auth_bearer -m str -f %s\n"
        "    http-request return status 401 content-type application/json string "
        "'{\"detail\":\"Unauthorized\"}' hdr WWW-Authenticate Bearer if !has_key%s\n"
        "    http-request del-header Authorization\n",
        config->api_keys_file, config->status_needs_key ? "" : " !status_path");
}

/* For requests that `acl` names. Passes through the loop are jobs that have been counted. */
static void render_full_house(FILE *out, const struct config *config, const char *acl,
                              const char *action)
{
    fprintf(out,
            "    http-request %s if %s { fe_conn(again),set-var(req.passes) -m found } "
            "{ be_conn(farm),sub(req.passes) -m int ge %u }",
            action, acl, config->max_connections);
}

static void render_refusals(FILE *out, const struct config *config, const char *acl)
{
    static const char answer[] = "return status 503 content-type application/json string "
                                 "'{\"detail\":\"Too many jobs at a time: try again later\"}' hdr "
                                 "Retry-After " RETRY_AFTER_FULL_S;
    unsigned spare = connections_spare(config->max_connections);

    fprintf(out,
            "    # All connections are taken: the job is told so at once. Newer versions then\n"
            "    # read its upload to the end, but the last spare connections aren't for that.\n"
            ".if version_atleast(2.9)\n");
    render_full_house(out, config, acl, "reject");
    fprintf(out, " { fe_conn gt %u }\n.endif\n",
            config->max_connections + spare - CONNECTIONS_STATUS);
    render_full_house(out, config, acl, answer);
    fprintf(out, "\n");
}

static void render_paths(FILE *out, const struct config *config)
{
    const char *extra = config->extra_paths == NULL ? "" : " !extra_path";

    fprintf(out, "    acl job_path path /v1/audio/transcriptions /transcribe\n"
                 "    acl status_path path / /health\n");
    render_extra_paths(out, config->extra_paths);
    render_api_keys(out, config);
    fprintf(out, "    # A job: the rest of these rules is for others.\n"
                 "    http-request set-path /v1/audio/transcriptions if { path /transcribe }\n");
    if (any_path_prefix(config))
        fprintf(out, "    # Kept, since a job that is picked anew gets another path prefix.\n"
                     "    http-request set-header x-leastjobs-path %%[path]\n");
    render_refusals(out, config, "job_path METH_POST");
    fprintf(out, "    http-request allow if job_path METH_POST\n");
    if (has_prefix(config->extra_paths))
        fprintf(
            out,
            "    # What an instance may resolve to a path beside those of the list.\n"
            "    acl devious_path path_sub -i /../ /./ /..; /.; // %%2e %%2f %%5c %%00 %%25 \\\\\n"
            "    acl devious_path path_end /.. /.\n"
            "    http-request return status 404 content-type application/json string "
            "'{\"detail\":\"Not Found\"}' if devious_path\n");
    fprintf(out,
            "    http-request return status 404 content-type application/json string "
            "'{\"detail\":\"Not Found\"}' if !job_path !status_path%s\n"
            "    http-request return status 405 content-type application/json string "
            "'{\"detail\":\"Method Not Allowed\"}' hdr Allow POST if job_path !METH_POST%s\n"
            "    http-request return status 405 content-type application/json string "
            "'{\"detail\":\"Method Not Allowed\"}' hdr Allow \"GET, HEAD\" if status_path "
            "!METH_GET\n",
            extra, extra);
    if (config->extra_paths != NULL)
        render_refusals(out, config, "extra_path");
    if (config->log_level != LOG_DEBUG)
        fprintf(out, "    http-request set-log-level silent if status_path\n");
}

static bool trusts_proxies(const struct config *config)
{
    return strcmp(config->trusted_proxies, CONFIG_NO_PROXIES) != 0;
}

static void render_trusted(FILE *out, const char *networks)
{
    fprintf(out, "    acl trusted src");
    while (*networks != '\0') {
        size_t length = strcspn(networks, ",");
        fprintf(out, " %.*s", (int)length, networks);
        networks += length + (networks[length] == ',');
    }
    fprintf(out, "\n");
}

static void render_forwarded(FILE *out, const struct config *config)
{
    static const char *const fields[] = {"X-Forwarded- -m beg", "Forwarded", "X-Real-IP"};

    fprintf(out, "    # Whom a client claims to speak for is believed of trusted proxies only.\n");
    if (trusts_proxies(config))
        render_trusted(out, config->trusted_proxies);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        fprintf(out, "    http-request del-header %s%s\n", fields[i],
                trusts_proxies(config) ? " if !trusted" : "");
    fprintf(out,
            "    option forwardfor\n"
            "    http-request set-header X-Forwarded-Proto %s if "
            "!{ req.hdr(X-Forwarded-Proto) -m found }\n",
            config->tls_cert_file == NULL ? "http" : "https");
}

static void render_balancer(FILE *out, const struct config *config)
{
    fprintf(out, "\nfrontend balancer\n    bind ");
    put_address(out, config->bind_address, config->port);
    if (config->tls_cert_file != NULL)
        fprintf(out, " ssl crt %s alpn http/1.1", config->tls_cert_file);
    fprintf(
        out,
        "%s\n"
        "    # %u jobs, and a spare part for status requests and for refusals: a job that waits\n"
        "    # would hold a connection that they need, and the kernel's queue can't tell\n"
        "    # them apart.\n"
        "    maxconn %u\n"
        "    # HTTP/1.1, and one job a connection: clients resend a POST when a reused\n"
        "    # connection closes under it. HTTP/2 of HAProxy 2.6 makes them do the same.\n"
        "    option httpclose\n"
        "    option disable-h2-upgrade\n",
        strcmp(config->bind_address, "::") == 0 ? " v4v6" : "", config->max_connections,
        config->max_connections + connections_spare(config->max_connections));
    render_log_format(out, config);
    fprintf(out, "    # The instances tried, for the loop (see again).\n"
                 "    unique-id-format " TRIED "\n"
                 "    # Internal header fields are ours alone.\n"
                 "    http-request del-header x-leastjobs- -m beg\n"
                 "    # The absolute form of a target (RFC 9112 section 3.2.2) names a host that\n"
                 "    # isn't the instance's.\n"
                 "    http-request set-uri %%[pathq] if !{ url_beg / }\n");
    render_forwarded(out, config);
    if (config->hsts_max_age_s > 0)
        fprintf(out, "    http-after-response set-header Strict-Transport-Security max-age=%u\n",
                config->hsts_max_age_s);
    render_paths(out, config);
    /* No POST with such a path gets so far, and jobs are spared looking at theirs once more. */
    fprintf(out, "    use_backend status if !METH_POST status_path\n"
                 "    default_backend farm\n");
}

static void render_again(FILE *out, const struct config *config)
{
    unsigned passes = connections_passes(config->max_connections);

    fprintf(out,
            "\n# The second half of the loop. The PROXY protocol keeps the client's address, and\n"
            "# brings the instances tried; the first half logs the job, so the pick is handed\n"
            "# back to it.\n"
            "frontend again\n"
            "    bind abns@leastjobs-again-%u-%u accept-proxy\n"
            "    # A pass lasts as long as its job: jobs that waited for one might wait for each\n"
            "    # other for ever. Beyond %u the job is refused, and goes at once.\n"
            "    maxconn %u\n"
            "    option httpclose\n"
            "    no log\n"
            "    unique-id-format " TRIED "\n"
            "    http-request set-var(txn.tried) fc_pp_unique_id\n"
            "    http-request return status 503 content-type application/json string "
            "'{\"detail\":\"The instance could not be connected to, and too many jobs are being "
            "sent elsewhere\"}' hdr Retry-After " RETRY_AFTER_FULL_S " if { fe_conn gt %u }\n"
            "    http-request set-var-fmt(txn.before) \"%%[var(txn.tried)],\"\n" NOBODY
            " if { var(txn.tried),word(%d,\\\",\\\") -m len gt 0 }\n"
            "    http-after-response set-header x-leastjobs-pick %%[var(txn.pick)] if "
            "{ var(txn.pick) -m found }\n"
            "    http-after-response set-header x-leastjobs-load %%[var(txn.load)] if "
            "{ var(txn.pick) -m found }\n"
            "%s"
            "    http-after-response set-header x-leastjobs-tried %%[var(txn.tried)]\n"
            "    default_backend farm\n",
            config->port, config->admin_port, passes, passes + CONNECTIONS_LOOP_SPARE, passes,
            retry_after_s(config), PASSES_MAX,
            logs_loads(config)
                ? "    http-after-response set-header x-leastjobs-loads %[var(txn.loads)]\n"
                : "");
}

/* Mind that HAProxy 2.6 can't add two negative numbers: the sum is the greatest positive one. */
static void render_rules_of_instance(FILE *out, const struct config *config,
                                     const struct instance_config *instance)
{
    unsigned number = instance->number;

    fprintf(out,
            "    http-request set-var(req.seen) int(%u),table_gpc0(" TABLE_JOBS "),mul(%u)\n"
            "    http-request set-var(req.seen) int(%u),table_gpt0(" TABLE_JOBS "),add(%u)"
            ",sub(req.seen),and(%u)\n"
            "    http-request set-var(req.room) int(%u),table_gpt0(" TABLE_FAILED ")\n"
            "    http-request set-var(req.room) srv_conn(farm/instance%u),add(req.room),mul(%u),neg"
            ",add(req.seen),mul(%d)\n"
            "    http-request set-var(req.host) str(%s) if "
            "{ rand(%d),add(req.room),mul(%d),add(%u),set-var(req.key),sub(req.best) -m int gt 0 } "
            "{ srv_is_up(farm/instance%u) } !{ srv_uweight(farm/instance%u) -m int 0 } "
            "!{ var(txn.before) -m sub ,%u, } { var(req.key),set-var(req.best) -m found }\n",
            number, LOAD_UNIT, number, ROOM, ROOM_MASK, number, number, LOAD_UNIT, KEY_FIELD,
            instance->url.authority, KEY_FIELD, KEY_FIELD, number, number, number, number);
    if (logs_loads(config))
        fprintf(out,
                "    http-request set-var(req.unseen%u) var(req.seen),neg,add(%u)"
                ",and(%u),add(%u),div(%u)\n",
                number, ROOM, ROOM_MASK, LOAD_UNIT / 2, LOAD_UNIT);
}

static void render_pick(FILE *out, const struct config *config)
{
    fprintf(
        out,
        "\n    # The pick. An instance's key is its room, then a random number that breaks\n"
        "    # ties, then its number. The greatest key wins, of those that are up, not drained\n"
        "    # (weight 0) and not tried yet. Room is what is left of %u less all that\n"
        "    # counts as load: open requests, what table " TABLE_JOBS " knows of jobs that\n"
        "    # HAProxy can't see, and the penalty in table " TABLE_FAILED ".\n"
        "    http-request set-var(req.best) int(" KEY_NONE ")\n",
        ROOM);
    for (size_t i = 0; i < config->instance_count; i++)
        render_rules_of_instance(out, config, &config->instances[i]);
}

static void render_loads(FILE *out, const struct config *config)
{
    fprintf(out, "\n    # For the log, as it was at the pick.\n"
                 "    http-request set-var-fmt(txn.loads) \"");
    for (size_t i = 0; i < config->instance_count; i++) {
        unsigned number = config->instances[i].number;
        fprintf(out,
                "%s%u:%%[srv_conn(farm/instance%u)]"
                "+%%[var(req.unseen%u)]+%%[int(%u),table_gpt0(" TABLE_FAILED ")]",
                i == 0 ? "" : ",", number, number, number, number);
    }
    fprintf(out, "\"\n");
}

static void render_outcome(FILE *out, const struct config *config)
{
    if (logs_loads(config))
        render_loads(out, config);
    fprintf(out,
            "\n    # Nobody left to pick.\n" NOBODY " if { var(req.best) -m int " KEY_NONE " }\n"
            "    http-request set-var(txn.number) var(req.best),and(%d)\n"
            "    http-request set-var(txn.load) var(req.best),div(%d),div(%d),neg,add(%u)"
            ",add(%u),div(%u)\n"
            "    http-request set-var(txn.pick) str(instance),concat(,txn.number)\n"
            "    # Its own Host: instances sit behind name-based ingresses.\n"
            "    http-request set-header Host %%[var(req.host)]\n",
            retry_after_s(config), KEY_FIELD - 1, KEY_FIELD, KEY_FIELD, ROOM, LOAD_UNIT / 2,
            LOAD_UNIT);
}

static void render_path_prefixes(FILE *out, const struct config *config)
{
    if (!any_path_prefix(config))
        return;
    fprintf(out, "\n    # The picked instance's own path prefix.\n"
                 "    http-request set-path %%[req.fhdr(x-leastjobs-path)]\n");
    for (size_t i = 0; i < config->instance_count; i++) {
        const struct instance_config *instance = &config->instances[i];
        if (instance->url.path[0] != '\0')
            fprintf(out, "    http-request set-path %s%%[path] if { var(txn.number) -m int %u }\n",
                    instance->url.path, instance->number);
    }
}

static void render_tls(FILE *out, const struct config *config, const struct url *url)
{
    fprintf(out, " ssl verify required ca-file %s alpn http/1.1",
            config->instance_ca_file == NULL ? "@system-ca" : config->instance_ca_file);
    if (url->host_kind == URL_HOST_NAME)
        fprintf(out, " sni str(%s) check-sni %s", url->host, url->host);
    else
        fprintf(out, " verifyhost %s", url->host);
}

static void render_server(FILE *out, const struct config *config,
                          const struct instance_config *instance)
{
    const struct url *url = &instance->url;
    fprintf(out, "    server instance%u ", instance->number);
    put_address(out, url_is_localhost(url->host) ? "127.0.0.1" : url->host, url->port);
    fprintf(out, " check agent-check agent-send \"instance%u external\\n\"", instance->number);
    if (needs_resolver(url))
        fprintf(out, LOOKUP " resolve-opts allow-dup-ip");
    if (url->tls)
        render_tls(out, config, url);
    fprintf(out, "\n");
}

static const char *agent_address(const struct config *config)
{
    if (config_agent_is_remote(config))
        return RELAY_ADDRESS;
    return url_is_localhost(config->agent_host) ? "127.0.0.1" : config->agent_host;
}

static void render_servers(FILE *out, const struct config *config)
{
    fprintf(out,
            "\n    # A connection that fails is redispatched at once, to the first server that is\n"
            "    # up: the loop. Jobs themselves are sent by use-server only.\n"
            "    load-server-state-from-file global\n"
            "    balance first\n"
            "    retries 1\n"
            "    option redispatch 1\n"
            "    use-server %%[var(txn.pick)] if TRUE\n"
            "    default-server weight 100 inter %ums downinter %ums fall %u rise %d agent-addr %s "
            "agent-port %u agent-inter %ums\n"
            "    server again abns@leastjobs-again-%u-%u id %d send-proxy-v2 "
            "proxy-v2-options unique-id\n",
            config->check_interval_ms,
            config->check_interval_ms < DOWN_INTER_MAX_MS ? config->check_interval_ms
                                                          : DOWN_INTER_MAX_MS,
            config->unhealthy_after, CHECK_RISE, agent_address(config), config->agent_port,
            config_agent_inter_ms(config), config->port, config->admin_port, AGAIN_ID);
    for (size_t i = 0; i < config->instance_count; i++)
        render_server(out, config, &config->instances[i]);
}

/* HAProxy's path (json_query) of a JSON Pointer that has only plain names. */
static void put_json_path(FILE *out, const char *pointer)
{
    fputc('$', out);
    for (; *pointer != '\0'; pointer++)
        fputc(*pointer == '/' ? '.' : *pointer, out);
}

/*
 * An asynchronous job is nobody's from its answer to the report that counts it: HAProxy counts it
 * until then.
 */
static void render_accepted(FILE *out, const struct config *config)
{
    fprintf(out,
            "\n    # A job that goes on after its answer: status 202, or a job id in a small JSON\n"
            "    # answer. No other answer waits for its body, and this one as long as it would\n"
            "    # without: when the time is over HAProxy answers 504.\n"
            "    acl is_small res.hdr(content-length) -m int 1:%d\n"
            "    acl is_json res.hdr(content-type) -m sub -i json\n"
            "    acl is_success status 200:299\n"
            "    http-response wait-for-body time %ums if METH_POST is_success !{ status 202 } "
            "is_small is_json !{ srv_id %d }\n"
            "    http-response set-var(txn.accepted) int(1) if METH_POST { status 202 }\n"
            "    http-response set-var(txn.accepted) res.body,json_query('",
            ANSWER_MAX, config->request_timeout_ms, AGAIN_ID);
    put_json_path(out, config->job_id_field);
    fprintf(out,
            "') if METH_POST is_success is_small is_json !{ srv_id %d }\n"
            "    http-response track-sc0 var(txn.number) table " TABLE_JOBS
            " if { var(txn.accepted) -m found } !{ srv_id %d }\n"
            "    http-response sc-inc-gpc0(0) if { var(txn.accepted) -m found } !{ srv_id %d }\n",
            AGAIN_ID, AGAIN_ID, AGAIN_ID);
}

/*
 * A job is lost by a 5xx answer, or one that says that there are too many. That must be known at
 * once: an instance that fails fast is always idle. Connections that fail, and HAProxy's own 502
 * and 504, have no http-response rules; the agent sees them in the servers' counters. An entry that
 * a stream still holds doesn't expire: only the answer's own stream does, briefly.
 */
static void render_failures(FILE *out)
{
    fprintf(out,
            "\n    # Memory of failures: a penalty of 0, 1, 3, 7 jobs and so on after 1, 2, 3, 4 "
            "in a row,\n"
            "    # until a job succeeds, or for " PENALTY_EXPIRE
            "; then one is tried again. One is a bad file.\n"
            "    acl is_failure status 429 500:599\n"
            "    acl had_failed var(txn.number),table_gpt0(" TABLE_FAILURES ") -m int gt 0\n"
            "    http-response track-sc1 var(txn.number) table " TABLE_FAILED
            " if METH_POST !{ srv_id %d } is_failure or METH_POST !{ srv_id %d } is_success "
            "had_failed\n"
            "    http-response track-sc2 var(txn.number) table " TABLE_FAILURES
            " if { sc1_tracked }\n"
            "    http-response sc-set-gpt0(2) sc2_get_gpt0,mul(2),add(1),and(%u) if "
            "{ sc2_tracked } is_failure\n"
            "    http-response sc-set-gpt0(2) int(0) if { sc2_tracked } is_success\n"
            "    http-response sc-set-gpt0(1) sc2_get_gpt0,div(2) if { sc2_tracked }\n",
            AGAIN_ID, AGAIN_ID, 2 * JOBS_PENALTY_MAX + 1);
}

static void render_tables(FILE *out)
{
    fprintf(
        out,
        "\n# Of each instance, by its number. gpc0: jobs that were accepted and go on. gpt0: the\n"
        "# agent's word, in sixteenths of a job: gpc0 as of the last report, less the jobs that\n"
        "# only the report knows of (modulo 2^32). Entry 0 is the agent's mark.\n"
        "backend " TABLE_JOBS "\n"
        "    stick-table type integer size %u expire " JOBS_EXPIRE " store gpc0,gpt0\n"
        "\n# gpt0: the penalty for its latest failures, and what it grows from.\n"
        "backend " TABLE_FAILED "\n"
        "    stick-table type integer size %u expire " PENALTY_EXPIRE " store gpt0\n"
        "\nbackend " TABLE_FAILURES "\n"
        "    stick-table type integer size %u expire " FAILURES_EXPIRE " store gpt0\n",
        TABLE_SIZE, TABLE_SIZE, TABLE_SIZE);
}

static void render_farm(FILE *out, const struct config *config)
{
    fprintf(out,
            "\nbackend farm\n"
            "    # Jobs are logged by their frontend. HAProxy writes a server's changes of state\n"
            "    # to standard error; this keeps them from standard output, a second time.\n"
            "    no log\n"
            "    http-error status 503 content-type application/json string "
            "'{\"detail\":\"No healthy backend instances available\"}' hdr Retry-After %u\n",
            retry_after_s(config));
    render_pick(out, config);
    render_outcome(out, config);
    render_path_prefixes(out, config);
    fprintf(out,
            "\n    # Of our own fields only the loop's may be believed. No rule before this one.\n"
            "    http-response del-header x-leastjobs- -m beg if !{ srv_id %d }\n",
            AGAIN_ID);
    render_accepted(out, config);
    render_failures(out);
    fprintf(out,
            "\n    # What a second pass picked, for the log. It may have found nobody.\n"
            "    http-response allow if !{ srv_id %d }\n"
            "    http-response unset-var(txn.pick)\n"
            "    http-response unset-var(txn.load)\n"
            "    http-response set-var(txn.pick) res.hdr(x-leastjobs-pick)\n"
            "    http-response set-var(txn.load) res.hdr(x-leastjobs-load)\n"
            "%s"
            "    http-response set-var(txn.tried) res.fhdr(x-leastjobs-tried)\n"
            "    http-response del-header x-leastjobs- -m beg\n",
            AGAIN_ID,
            logs_loads(config) ? "    http-response set-var(txn.loads) "
                                 "res.fhdr(x-leastjobs-loads)\n"
                               : "");
    render_servers(out, config);
}

static void render_status(FILE *out, const struct config *config)
{
    fprintf(out, "\nbackend status\n"
                 "    timeout server 5s\n"
                 "    retries 0\n"
                 "    http-error status 503 content-type application/json string "
                 "'{\"detail\":\"The agent does not answer\"}' hdr Retry-After 1\n"
                 "    server agent ");
    put_address(out, url_is_localhost(config->agent_host) ? "127.0.0.1" : config->agent_host,
                config->status_port);
    fprintf(out, "%s\n", config_agent_is_remote(config) ? LOOKUP : "");
}

/*
 * HAProxy looks up an agent-addr only when it starts: an agent whose address has changed since
 * would never be heard again. A server's address it does follow.
 */
static void render_relay(FILE *out, const struct config *config)
{
    if (!config_agent_is_remote(config))
        return;
    fprintf(
        out,
        "\n# Agent-checks go through here, since HAProxy follows the name of a server when its\n"
        "# address changes, and not the name in an agent-addr.\n"
        "listen relay\n"
        "    mode tcp\n"
        "    no option http-no-delay\n"
        "    no log\n"
        "    bind " RELAY_ADDRESS ":%u\n"
        "    maxconn %u\n"
        "    timeout connect 1s\n"
        "    timeout client 5s\n"
        "    timeout server 5s\n"
        "    server agent %s:%u" LOOKUP "\n",
        config->agent_port, connections_relay(config), config->agent_host, config->agent_port);
}

static void render_admin(FILE *out, const struct config *config)
{
    fprintf(out, "\nfrontend admin\n    bind ");
    put_address(out, config->admin_bind_address, config->admin_port);
    fprintf(out,
            "%s\n"
            "    maxconn %d\n"
            "    # Nobody keeps one of these few.\n"
            "    option httpclose\n"
            "    no log\n"
            "    http-request use-service prometheus-exporter if { path /metrics }\n"
            "    stats enable\n"
            "    stats uri /\n"
            "    stats refresh 5s\n"
            "    stats show-legends\n",
            strcmp(config->admin_bind_address, "::") == 0 ? " v4v6" : "", CONNECTIONS_WATCHERS);
}

void render_config(FILE *out, const struct config *config)
{
    render_head(out, config);
    render_global(out, config);
    render_defaults(out, config);
    if (any_resolver(config))
        render_resolvers(out);
    render_balancer(out, config);
    render_again(out, config);
    render_farm(out, config);
    render_tables(out);
    render_status(out, config);
    render_relay(out, config);
    render_admin(out, config);
}
