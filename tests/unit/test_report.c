#include <cjson/cJSON.h>
#include <event2/event.h>

#include "farm_helper.h"
#include "http/metrics.h"
#include "http/report.h"
#include "version.h"

static const char *const three[] = {"INSTANCE_1_URL=http://a:8000", "INSTANCE_1_CAPACITY=3",
                                    "INSTANCE_2_URL=http://b", "INSTANCE_30_URL=https://c/p", NULL};

/* A view of three instances: one with jobs, one that never was checked, one that is unhealthy. */
struct fixture {
    struct event_base *base;
    struct config *config;
    struct farm *farm;
    struct checks *checks;
    struct listener *listener;
    struct report_view view;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct moment configured = at_ms(0);
    struct moment now = at_ms(1250);
    struct check_result good = passed(5);
    struct check_result bad = check_result_failed(CHECK_HTTP_STATUS, "500 \"no\"");

    if (f == NULL)
        return -1;
    f->base = event_base_new();
    f->config = config_of(three);
    f->farm = farm_new(f->config, NULL, &configured);
    /* The loop never runs: nothing is asked, and nobody connects. */
    f->checks = checks_new(f->base, f->config, f->farm, 0);
    f->listener = listener_new(f->base, "127.0.0.1", 0, ADDRESS_ALONE, 8, f->farm);
    f->view = (struct report_view){
        .config = f->config, .farm = f->farm, .checks = f->checks, .listener = f->listener};
    f->farm->instances[0].in_flight = 2;
    f->farm->instances[0].check_ms = 1500;
    apply_check(&f->farm->instances[0], &good, 3, &now);
    f->farm->instances[0].in_flight = 4;
    apply_check(&f->farm->instances[2], &good, 2, &now);
    apply_check(&f->farm->instances[2], &bad, 2, &now);
    apply_check(&f->farm->instances[2], &bad, 2, &now);
    f->farm->instances[2].missed = 6;
    *state = f;
    return f->checks == NULL || f->listener == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    checks_free(f->checks);
    listener_free(f->listener);
    farm_free(f->farm);
    config_free(f->config);
    event_base_free(f->base);
    free(f);
    return 0;
}

static void the_root_names_service_instances_and_endpoints(void **state)
{
    const struct fixture *f = *state;
    char *text = report_root(&f->view);

    assert_string_equal(text,
                        "{\"service\":\"WhisperX Load Balancer\",\"version\":\"" LEASTJOBS_VERSION
                        "\",\"instances\":3,\"endpoints\":{\"health\":\"/health\","
                        "\"transcription\":\"/v1/audio/transcriptions\"}}");
    free(text);
}

static cJSON *health_of(const struct fixture *f)
{
    char *text = report_health(&f->view);
    cJSON *root = cJSON_Parse(text);

    assert_non_null(root);
    free(text);
    return root;
}

static double number(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    assert_case(name, cJSON_IsNumber(item));
    return item->valuedouble;
}

static const char *string(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    assert_case(name, cJSON_IsString(item));
    return item->valuestring;
}

static bool truth(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    assert_case(name, cJSON_IsBool(item));
    return cJSON_IsTrue(item);
}

static bool is_null(const cJSON *object, const char *name)
{
    return cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(object, name));
}

static const cJSON *instance_at(const cJSON *root, int index)
{
    const cJSON *instances = cJSON_GetObjectItemCaseSensitive(root, "instances");

    assert_true(cJSON_IsArray(instances));
    assert_int_equal(cJSON_GetArraySize(instances), 3);
    return cJSON_GetArrayItem(instances, index);
}

static void health_has_the_sums(void **state)
{
    cJSON *root = health_of(*state);

    assert_true(number(root, "total_instances") == 3);
    assert_true(number(root, "healthy_instances") == 2);
    /* 5 and, as last reported, 5. */
    assert_true(number(root, "total_active_jobs") == 10);
    cJSON_Delete(root);
}

static void health_shows_a_healthy_instance_with_its_jobs(void **state)
{
    cJSON *root = health_of(*state);
    const cJSON *instance = instance_at(root, 0);

    assert_string_equal(string(instance, "name"), "instance1");
    assert_string_equal(string(instance, "url"), "http://a:8000");
    assert_true(truth(instance, "is_healthy"));
    assert_true(number(instance, "active_jobs") == 5);
    assert_true(number(instance, "in_flight") == 4);
    assert_true(number(instance, "external_jobs") == 3);
    assert_true(number(instance, "load") == 7);
    assert_true(number(instance, "capacity") == 3);
    assert_true(number(instance, "weight") == 97);
    assert_string_equal(string(instance, "last_check"), "2023-11-14T22:13:21.250Z");
    assert_true(number(instance, "consecutive_failures") == 0);
    assert_true(is_null(instance, "error_message"));
    cJSON_Delete(root);
}

static void health_shows_an_instance_that_was_never_checked(void **state)
{
    cJSON *root = health_of(*state);
    const cJSON *instance = instance_at(root, 1);

    assert_string_equal(string(instance, "url"), "http://b");
    assert_true(truth(instance, "is_healthy"));
    assert_true(number(instance, "active_jobs") == 0);
    assert_true(number(instance, "weight") == 100);
    assert_true(is_null(instance, "last_check"));
    assert_true(is_null(instance, "error_message"));
    cJSON_Delete(root);
}

static void health_shows_an_unhealthy_instance_with_its_error(void **state)
{
    cJSON *root = health_of(*state);
    const cJSON *instance = instance_at(root, 2);

    assert_string_equal(string(instance, "name"), "instance30");
    assert_string_equal(string(instance, "url"), "https://c/p");
    assert_false(truth(instance, "is_healthy"));
    assert_true(number(instance, "weight") == 0);
    assert_true(number(instance, "consecutive_failures") == 2);
    assert_string_equal(string(instance, "error_message"), "unexpected HTTP status: 500 \"no\"");
    assert_string_equal(string(instance, "last_check"), "2023-11-14T22:13:21.250Z");
    cJSON_Delete(root);
}

static void health_shows_a_drained_instance_with_weight_0(void **state)
{
    struct fixture *f = *state;

    f->farm->instances[0].drained = true;
    cJSON *root = health_of(f);
    assert_true(number(instance_at(root, 0), "weight") == 0);
    assert_true(truth(instance_at(root, 0), "is_drained"));
    assert_true(truth(instance_at(root, 0), "is_healthy"));
    assert_false(truth(instance_at(root, 0), "is_leaving"));
    assert_false(truth(instance_at(root, 1), "is_drained"));
    cJSON_Delete(root);
    f->farm->instances[0].drained = false;
    f->farm->instances[0].leaving = true;
    root = health_of(f);
    assert_true(number(instance_at(root, 0), "weight") == 0);
    assert_true(truth(instance_at(root, 0), "is_drained"));
    assert_true(truth(instance_at(root, 0), "is_leaving"));
    cJSON_Delete(root);
}

static char *metrics_of(const struct fixture *f)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);

    assert_non_null(out);
    metrics_report(out, &f->view, at_ms(3750).monotonic_ms);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(strlen(text), length);
    return text;
}

static void metrics_have_a_line_for_each_value_of_each_instance(void **state)
{
    static const char *const lines[] = {
        "\nleastjobs_instances 3\n",
        "\nleastjobs_instances_healthy 2\n",
        "\nleastjobs_instance_healthy{name=\"instance1\"} 1\n",
        "\nleastjobs_instance_healthy{name=\"instance30\"} 0\n",
        "\nleastjobs_instance_drained{name=\"instance1\"} 0\n",
        "\nleastjobs_instance_busy{name=\"instance1\"} 0\n",
        "\nleastjobs_instance_in_maintenance{name=\"instance1\"} 0\n",
        "\nleastjobs_instance_capacity{name=\"instance1\"} 3\n",
        "\nleastjobs_instance_drained{name=\"instance2\"} 1\n",
        "\nleastjobs_instance_active_jobs{name=\"instance1\"} 5\n",
        "\nleastjobs_instance_in_flight{name=\"instance1\"} 4\n",
        "\nleastjobs_instance_external_jobs{name=\"instance1\"} 3\n",
        "\nleastjobs_instance_load{name=\"instance1\"} 7\n",
        "\nleastjobs_instance_weight{name=\"instance1\"} 97\n",
        "\nleastjobs_instance_weight{name=\"instance2\"} 0\n",
        "\nleastjobs_instance_weight{name=\"instance30\"} 0\n",
        "\nleastjobs_instance_check_seconds{name=\"instance1\"} 1.5\n",
        "\nleastjobs_instance_last_check_timestamp_seconds{name=\"instance1\"} 1700000001\n",
        "\nleastjobs_instance_last_check_timestamp_seconds{name=\"instance2\"} 0\n",
        "\nleastjobs_instance_checks_total{name=\"instance1\",result=\"passed\"} 1\n",
        "\nleastjobs_instance_checks_total{name=\"instance2\",result=\"passed\"} 0\n",
        "\nleastjobs_instance_checks_total{name=\"instance30\",result=\"passed\"} 1\n",
        "\nleastjobs_instance_checks_total{name=\"instance30\",result=\"http_status\"} 2\n",
        "\nleastjobs_instance_checks_missed_total{name=\"instance30\"} 6\n",
        "\nleastjobs_instance_report_age_seconds{name=\"instance1\"} 2.5\n",
        "\nleastjobs_instance_report_age_seconds{name=\"instance2\"} 3.75\n",
        "\nleastjobs_check_interval_seconds 30\n",
        "\nleastjobs_check_timeout_seconds 5\n",
        "\nleastjobs_checks_due 0\n",
        "\nleastjobs_agent_checks_answered_total 0\n",
        "\nleastjobs_agent_checks_refused_total 0\n",
        "\nleastjobs_agent_checks_evicted_total 0\n",
        "\nleastjobs_haproxy_present 0\n",
        "\nleastjobs_haproxy_answers_total 0\n",
        "\nleastjobs_haproxy_failures_total 0\n",
    };
    struct fixture *f = *state;

    f->farm->instances[1].drained = true;
    char *text = metrics_of(f);
    assert_contains(text, "\nleastjobs_build_info{version=\"" LEASTJOBS_VERSION "\"} 1\n");
    for (size_t i = 0; i < COUNT(lines); i++)
        assert_contains(text, lines[i]);
    free(text);
}

/* In flight 4 and external 3 of instance1; instance30 is unhealthy. */
static void demand_is_of_the_instances_that_take_jobs(void **state)
{
    struct fixture *f = *state;
    struct instance *withdrawn = &f->farm->instances[1];

    withdrawn->in_flight = 9;
    withdrawn->drained = true;
    char *text = metrics_of(f);
    assert_contains(text, "\nleastjobs_jobs 7\n");
    assert_contains(text, "\nleastjobs_capacity 3\n");
    free(text);

    withdrawn->drained = false;
    withdrawn->maintained = true;
    text = metrics_of(f);
    assert_contains(text, "\nleastjobs_jobs 7\n");
    assert_contains(text, "\nleastjobs_instance_in_maintenance{name=\"instance2\"} 1\n");
    free(text);

    withdrawn->maintained = false;
    withdrawn->leaving = true;
    text = metrics_of(f);
    assert_contains(text, "\nleastjobs_jobs 7\n");
    assert_contains(text, "\nleastjobs_instance_drained{name=\"instance2\"} 1\n");
    free(text);

    withdrawn->leaving = false;
    withdrawn->acceptances = withdrawn->reported + 2;
    text = metrics_of(f);
    assert_contains(text, "\nleastjobs_jobs 18\n");
    assert_contains(text, "\nleastjobs_capacity 4\n");
    free(text);
}

static size_t name_length(const char *line)
{
    return strspn(line, "abcdefghijklmnopqrstuvwxyz_");
}

/*
 * The text format: each metric has one HELP and one TYPE line, which stand before its samples,
 * all of them together; a counter's name ends in _total; no sample is there twice.
 */
static void check_metric_lines(char *text)
{
    char *seen[400];
    size_t count = 0;
    char type[20] = "";
    char metric[80] = "";
    char *rest = text;

    for (char *line = strsep(&rest, "\n"); rest != NULL; line = strsep(&rest, "\n")) {
        if (strncmp(line, "# HELP ", 7) == 0) {
            snprintf(metric, sizeof(metric), "%.*s", (int)name_length(line + 7), line + 7);
            assert_case(line, line[7 + name_length(line + 7)] == ' ');
            type[0] = '\0';
        } else if (strncmp(line, "# TYPE ", 7) == 0) {
            assert_case(line, strncmp(line + 7, metric, strlen(metric)) == 0);
            snprintf(type, sizeof(type), "%s", line + 7 + strlen(metric) + 1);
            assert_case(line, strcmp(type, "gauge") == 0 || strcmp(type, "counter") == 0);
            bool is_total =
                strlen(metric) > 6 && strcmp(metric + strlen(metric) - 6, "_total") == 0;
            assert_case(line, is_total == (strcmp(type, "counter") == 0));
        } else {
            assert_case(line, type[0] != '\0');
            assert_case(line, name_length(line) == strlen(metric));
            assert_case(line, strncmp(line, metric, strlen(metric)) == 0);
            char *value = strrchr(line, ' ');
            assert_case(line, value != NULL && value[1 + strspn(value + 1, "0123456789.")] == '\0');
            *value = '\0';
        }
        for (size_t i = 0; i < count; i++)
            assert_case(line, strcmp(line, seen[i]) != 0);
        assert_true(count < COUNT(seen));
        seen[count++] = line;
    }
}

static void metrics_are_in_the_text_format_of_prometheus(void **state)
{
    char *text = metrics_of(*state);

    assert_int_equal(text[strlen(text) - 1], '\n');
    check_metric_lines(text);
    free(text);
}

static void many_jobs_are_written_in_full(void **state)
{
    struct fixture *f = *state;
    struct check_result result = passed(1000000);
    struct moment now = at_ms(0);

    apply_check(&f->farm->instances[0], &result, 3, &now);
    f->farm->instances[0].passed = 12345678901234567U;
    char *text = metrics_of(f);
    assert_contains(text, "\nleastjobs_instance_active_jobs{name=\"instance1\"} 1000000\n");
    assert_contains(text, "{name=\"instance1\",result=\"passed\"} 12345678901234567\n");
    free(text);
    cJSON *root = health_of(f);
    assert_true(number(instance_at(root, 0), "active_jobs") == 1000000);
    cJSON_Delete(root);
}

#define with_fixture(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        with_fixture(the_root_names_service_instances_and_endpoints),
        with_fixture(health_has_the_sums),
        with_fixture(health_shows_a_healthy_instance_with_its_jobs),
        with_fixture(health_shows_an_instance_that_was_never_checked),
        with_fixture(health_shows_an_unhealthy_instance_with_its_error),
        with_fixture(health_shows_a_drained_instance_with_weight_0),
        with_fixture(metrics_have_a_line_for_each_value_of_each_instance),
        with_fixture(metrics_are_in_the_text_format_of_prometheus),
        with_fixture(demand_is_of_the_instances_that_take_jobs),
        with_fixture(many_jobs_are_written_in_full),
    };

    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
