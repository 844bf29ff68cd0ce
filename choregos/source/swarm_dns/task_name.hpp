// The name that Docker's DNS gives for the address of a Swarm task: service.slot.taskid.network. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "choregos/model/agent.hpp"

namespace choregos::source {

/// Reads "chorus.3.x0xv8t2m7q4nk1p9c5d6e7f8g.net" with or without its trailing dot. The service is letters, digits, '-' and
/// '_'; the slot a number without leading zeros, or for a global service a node id; task and node ids are 25 of [a-z0-9];
/// a network's name follows, which may hold dots. Nothing for any other name, such as that of a lone container.
std::optional<SwarmTask> parse_task_name(std::string_view name);

/// Whether tasks.<asked> may well mean this task: the service itself, or one of a stack ("stack_chorus").
bool is_task_of(const SwarmTask& task, std::string_view asked);

}  // namespace choregos::source
