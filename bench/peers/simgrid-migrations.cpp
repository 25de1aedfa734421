/* Live migrations a second in SimGrid's live_migration plugin. Each is an experiment of its own, as in migsim: a virtual
 * machine of 64 GiB with four busy cores is made, moved over a 10 Gbit/s link while it dirties memory at 60 % of the link, and
 * thrown away. Prints: migrations, mean simulated seconds of one. Usage: simgrid-migrations COUNT */
#include <cstdio>
#include <cstdlib>
#include <simgrid/plugins/live_migration.h>
#include <simgrid/s4u.hpp>

namespace sg4 = simgrid::s4u;

static constexpr double LINK_BYTES_PER_SECOND = 1.17e9;
static constexpr int RAM_MIB = 64 * 1024;
static constexpr int CORES = 4;
/* Dirtying follows the work done, and four cores do four times the work of one. */
static constexpr int DIRTY_PERCENT_PER_CORE = 60 / CORES;

static void busy()
{
  sg4::this_actor::execute(1e18);
}

int main(int argc, char** argv)
{
  int quiet_argc = 2;
  char log_option[] = "--log=root.thresh:critical";
  char* quiet_argv[] = {argv[0], log_option, nullptr};
  sg4::Engine engine(&quiet_argc, quiet_argv);
  const int count = argc > 1 ? std::atoi(argv[1]) : 1000;
  sg_vm_live_migration_plugin_init();

  auto* zone = sg4::create_full_zone("zone");
  auto* here = zone->create_host("here", 1e9)->set_core_count(8);
  auto* there = zone->create_host("there", 1e9)->set_core_count(8);
  auto* link = zone->create_link("link", LINK_BYTES_PER_SECOND)->set_latency(100e-6);
  zone->add_route(here->get_netpoint(), there->get_netpoint(), nullptr, nullptr, {sg4::LinkInRoute(link)});
  zone->seal();

  double simulated = 0;
  sg4::Actor::create("mover", here, [&] {
    const int speed = static_cast<int>(LINK_BYTES_PER_SECOND / (1024 * 1024));
    for (int i = 0; i < count; i++) {
      auto* vm = sg_vm_create_migratable(here, "vm", CORES, RAM_MIB, speed, DIRTY_PERCENT_PER_CORE);
      vm->start();
      for (int core = 0; core < CORES; core++) sg4::Actor::create("worker", vm, busy)->daemonize();
      const double start = sg4::Engine::get_clock();
      sg_vm_migrate(vm, there);
      simulated += sg4::Engine::get_clock() - start;
      vm->destroy();
    }
  });
  engine.run();
  std::printf("%d %.3f\n", count, simulated / count);
  return 0;
}
