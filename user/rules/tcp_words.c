// SPDX-License-Identifier: BSD-2-Clause
#include "tcp_words.h"

#include <string.h>

#include "exit_view.h"
#include "say.h"

void tcp_say_end(struct text *text, const struct tcp_end *end)
{
	bool six = end->address && strchr(end->address, ':');

	if (!end->address || !*end->address) {
		if (end->has_port)
			text_format(text, "port %llu", LLU(end->port));
		else
			text_add(text, "an unknown address");
		return;
	}
	text_format(text, "%s%s", six ? "[" : "", end->address);
	if (six && strncmp(end->address, "fe80:", 5) == 0 && end->interface && *end->interface &&
	    !strchr(end->address, '%'))
		text_format(text, "%%%s", end->interface);
	text_add(text, six ? "]" : "");
	if (end->has_port)
		text_format(text, ":%llu", LLU(end->port));
}

bool tcp_has_owner(const struct observation *observation)
{
	const struct process *p = &observation->process;

	return (p->known.comm && *p->comm) || p->known.pid;
}

void tcp_say_process(struct text *text, const struct observation *observation)
{
	const struct process *p = &observation->process;

	if (tcp_has_owner(observation))
		say_process(text, p->known.comm ? p->comm : "", p->known.pid, p->pid);
	else
		text_add(text, "the process");
}

void tcp_say_owner(struct text *text, const struct observation *observation)
{
	if (tcp_has_owner(observation))
		tcp_say_process(text, observation);
	else
		text_add(text, "owner unknown");
}

void tcp_say_home(struct text *text, const struct observation *observation)
{
	const struct container *c = &observation->container;

	if (c->known.id)
		text_format(text, strlen(c->id) == 64 ? "  in container %.12s" : "  in container %s", c->id);
	else if (c->known.unit)
		text_format(text, "  in %s", c->unit);
}

const char *tcp_owner_words(enum owner_basis basis)
{
	static const char *const words[] = {
		[OWNER_HOLDER] = "has it open",
		[OWNER_CONNECT] = "called connect(), and has closed it since or is gone",
		[OWNER_LISTEN] = "called listen(), and has closed it since or is gone",
		[OWNER_LISTENER] = "has the listening socket open that the connection came to",
	};

	return basis < sizeof(words) / sizeof(words[0]) ? words[basis] : NULL;
}

/* as say_identity(), of one that may run no longer */
static void say_identity_then(struct text *text, const struct observation *observation)
{
	const struct process *p = &observation->process;

	if (p->known.exe && *p->exe) {
		text_add(text, ", ");
		say_path(text, p->exe);
	}
	if (p->known.uid)
		text_format(text, ", uid %llu", LLU(p->uid));
	if (p->known.start_ns && observation->boot_ns > p->start_ns) {
		text_add(text, ", started ");
		text_duration(text, observation->boot_ns - p->start_ns);
		text_add(text, " before");
	}
	if (p->known.ppid && p->ppid) {
		text_add(text, ", child of ");
		say_process(text, p->known.parent_comm ? p->parent_comm : "", true, p->ppid);
	}
}

void tcp_row_process(const struct observation *observation, bool has_basis, enum owner_basis basis, const char *what,
		     struct verdict *ret)
{
	const char *words = has_basis ? tcp_owner_words(basis) : NULL;
	bool own = words && (basis == OWNER_HOLDER || basis == OWNER_CONNECT || basis == OWNER_LISTEN);
	struct text text;

	if (!tcp_has_owner(observation)) {
		text = say_evidence(ret, "owner", BASIS_UNKNOWN);
		text_format(&text, "which process %s belongs to", what);
		return;
	}
	text = say_evidence(ret, "owner", !words || own ? BASIS_MEASURED : BASIS_INFERRED);
	tcp_say_process(&text, observation);
	if (words)
		text_format(&text, " %s", words);
	if (words && (basis == OWNER_CONNECT || basis == OWNER_LISTEN))
		say_identity_then(&text, observation);
	else
		say_identity(&text, observation);
}

void tcp_say_count(struct text *text, uint64_t count, const char *one, const char *many)
{
	text_format(text, "%llu %s", LLU(count), count == 1 ? one : many);
}

void tcp_say_in(struct text *text, bool known, uint64_t ns)
{
	if (!known || ns < 1000)
		return;
	text_add(text, " in ");
	text_duration(text, ns);
}

void tcp_say_since(struct text *text, bool known, uint64_t count, uint64_t total, bool has_age, uint64_t age_ns)
{
	if (!known || total <= count)
		return;
	text_format(text, "; %llu since it began", LLU(total));
	if (has_age && age_ns) {
		text_add(text, " ");
		text_duration(text, age_ns);
		text_add(text, " ago");
	}
}

void tcp_advise(struct verdict *ret, const char *advice)
{
	struct text text = say_advice(ret);

	text_add(&text, advice);
}

void tcp_verify(struct verdict *ret, const char *command)
{
	struct text text = say_verify(ret);

	text_add(&text, command);
}

/* who has closed the socket or is gone has no namespace to enter */
static bool is_there(const struct observation *observation)
{
	const struct tcp_retransmit *x = &observation->tcp_retransmit;
	const struct accept_overflow *a = &observation->accept_overflow;

	if (observation->kind == KIND_tcp_retransmit)
		return !(x->known.owner_by && (x->owner_by == OWNER_CONNECT || x->owner_by == OWNER_LISTEN));
	return !(a->known.owner_by && a->owner_by == OWNER_LISTEN);
}

void tcp_say_enter_netns(struct text *text, uint64_t netns)
{
	text_format(text, "nsenter -t $(lsns -no PID %llu | head -n 1) -n ", LLU(netns));
}

void tcp_say_enter(struct text *text, const struct observation *observation)
{
	const struct process *p = &observation->process;
	const struct tcp_retransmit *x = &observation->tcp_retransmit;
	const struct accept_overflow *a = &observation->accept_overflow;
	bool resent = observation->kind == KIND_tcp_retransmit, there = p->known.pid && is_there(observation);
	bool known = resent ? x->known.other_netns : a->known.other_netns, other = resent ? x->other_netns : a->other_netns;

	/* of one that did not tell: who is in a container has most likely a network of its own */
	if (!known)
		other = there && (observation->container.known.id || (p->known.ns_pid && p->ns_pid));
	if (!other)
		return;
	if (there)
		text_format(text, "nsenter -t %llu -n ", LLU(p->pid));
	else if (resent ? x->known.netns : a->known.netns)
		tcp_say_enter_netns(text, resent ? x->netns : a->netns);
}

void tcp_say_commands(struct text *text, const struct observation *observation, const char *commands)
{
	size_t before = text->length;

	tcp_say_enter(text, observation);
	if (text->length > before && strstr(commands, "; "))
		text_format(text, "sh -c '%s'", commands);
	else
		text_add(text, commands);
}

void tcp_say_restart(struct text *text, const struct observation *observation)
{
	const struct process *p = &observation->process;
	const struct container *c = &observation->container;
	const char *service = exit_service(observation);

	if (service) {
		text_add(text, "systemctl restart ");
		text_shell(text, service, strlen(service));
	} else if (c->known.pod_uid) {
		text_format(text, "restart the pod with the uid %s", c->pod_uid);
	} else if (c->known.id) {
		text_format(text, strlen(c->id) == 64 ? "restart container %.12s" : "restart container %s", c->id);
	} else if (p->known.pid) {
		text_format(text, "restart it (pid %llu)", LLU(p->pid));
	} else {
		text_add(text, "restart the server");
	}
}
