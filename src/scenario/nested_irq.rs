//! A section with interrupts off inside another one.
//!
//! CPU 1 turns its interrupts off at 10 s. At 11 s it calls code that turns them off, too, and restores them at 12 s.
//! At 13 s CPU 1 restores them itself. At 11.5 s CPU 0 calls CPU 1 and waits.
//!
//! *What a reader should conclude.* The call is answered at 13.0 s and not at 12.0 s. The end of the inner section
//! restores what was there before, which is "off": `local_irq_save` keeps that in `flags`, and `local_irq_restore` puts
//! it back. A pair that turns interrupts *on* at its end loses the nesting. Then an interrupt comes in the middle of
//! the outer section, whose code relies on being alone; and if the handler wants a lock that the section holds, the CPU
//! waits for itself. [`NestedIrq::judge`] says when the call was answered.
//!
//! In Linux: `include/linux/irqflags.h`, `local_irq_save`, `local_irq_restore`; and `local_irq_enable`, which is wrong
//! here.
//! Here it differs: the flags are kept in a guard, and an interrupt is taken when the guard ends.

use super::busy::irqs_off_for;
use super::{
    ANY_PID, At, Scenario, ScenarioError, Section, on_this_machine, reported_by, small_machine,
};
use crate::config::Config;
use crate::cpumask::CpuId;
use crate::incident::Incident;
use crate::incident::report::diagnosis::{Cause, Diagnosis};
use crate::kernel::cpu::Cpu;
use crate::kernel::csd::CallFunction;
use crate::kernel::irq;
use crate::kernel::smp::smp_call_function_single;
use crate::kernel::task::Task;
use crate::machine::Machine;
use crate::parts::Parts;
use crate::parts::call_many::Wait;
use crate::record::Event;
use crate::time::KernelTime;
use crate::vector::Vector;

/// The scenario, with everything that can be changed about it.
#[derive(Clone, Debug)]
pub struct NestedIrq {
    /// The machine. `until` is replaced unless [`NestedIrq::until`] is given.
    pub config: Config,
    /// The CPU that turns its interrupts off.
    pub masked: CpuId,
    /// When they are off, the outermost section first. Each lies inside the one before; the outermost lasts 5 s at
    /// most.
    pub sections: Vec<Section>,
    /// The CPU that calls, and when.
    pub caller: At,
    /// When the machine is switched off; `None` chooses a time at which a caller that waits for ever has been reported.
    pub until: Option<KernelTime>,
}

impl Default for NestedIrq {
    /// Two CPUs of 4.19; on CPU 1 a section from 10 to 13 s and one from 11 to 12 s; CPU 0 calls at 11.5 s.
    fn default() -> Self {
        let ms = |ms: u64| KernelTime::from_ns(ms * 1_000_000);
        let section = |from, to| Section { from: ms(from), to: ms(to) };
        NestedIrq {
            config: Config { nr_cpus: 2, ..small_machine() },
            masked: CpuId(1),
            sections: vec![section(10_000, 13_000), section(11_000, 12_000)],
            caller: At { cpu: CpuId(0), time: ms(11_500) },
            until: None,
        }
    }
}

/// What is called: it does nothing.
static ARE_YOU_THERE: CallFunction = CallFunction { name: "are_you_there", func: |_, _| {} };

impl Scenario for NestedIrq {
    fn config(&self) -> &Config {
        &self.config
    }

    fn config_mut(&mut self) -> &mut Config {
        &mut self.config
    }

    fn set_until(&mut self, until: KernelTime) {
        self.until = Some(until);
    }

    fn machine_with(&self, parts: Parts) -> Result<Machine, ScenarioError> {
        self.config.check()?;
        let until = self.until.unwrap_or_else(|| reported_by(&self.config, self.answer_at()));
        let mut machine = Machine::new(Config { until, ..self.config.clone() }, parts)?;
        let masked = on_this_machine(&self.config, self.masked)?;
        let caller = on_this_machine(&self.config, self.caller.cpu)?;
        if masked == caller {
            return Err(ScenarioError::SameCpu(masked));
        }
        for pair in self.sections.windows(2) {
            if pair[1].from < pair[0].from || pair[1].to > pair[0].to {
                return Err(ScenarioError::NotNested { inner: pair[1], outer: pair[0] });
            }
        }
        if let Some(outer) = self.sections.first() {
            irqs_off_for(outer.to.ns_since(outer.from))?;
            let sections = self.sections.clone();
            machine.spawn(
                masked,
                Task::new("masked", ANY_PID, outer.from, move |cpu| run(cpu, &sections)),
            );
        }
        machine.spawn(
            caller,
            Task::new("caller", ANY_PID + 1, self.caller.time, move |cpu| {
                smp_call_function_single(cpu, masked, &ARE_YOU_THERE, 0, Wait::Sync);
            }),
        );
        Ok(machine)
    }

    fn conclusion(&self) -> Diagnosis {
        Diagnosis { cause: Cause::None, cpus: Vec::new() }
    }
}

/// Runs the first section, and the others inside it.
fn run(cpu: &Cpu, sections: &[Section]) {
    let [section, inner @ ..] = sections else { return };
    cpu.run_user_until(section.from);
    let _irq = irq::disable_local(cpu);
    run(cpu, inner);
    cpu.run_user_until(section.to);
}

impl NestedIrq {
    /// When the call is to be answered: at the end of the outermost section, if the call comes inside it.
    fn answer_at(&self) -> KernelTime {
        let called = self.caller.time;
        let outer = self.sections.first().filter(|outer| (outer.from..outer.to).contains(&called));
        outer.map_or(called, |outer| outer.to)
    }

    /// Whether the call was answered once, when the outermost section ended; and whether the caller waited until then.
    /// And whether the CPU took no timer interrupt inside that section.
    ///
    /// # Errors
    /// The first rule that was broken: what was expected, what happened, on which CPU and when.
    pub fn judge(&self, incident: &Incident) -> Result<(), String> {
        let (cpu, caller, due) = (self.masked, self.caller.cpu, self.answer_at());
        let mut answers = 0;
        for record in &incident.records {
            let time = record.time;
            match record.event {
                Event::IrqEnter { vector: vector @ (Vector::Timer | Vector::CallFunction) }
                    if record.cpu == cpu =>
                {
                    let is_inside = |outer: &&Section| outer.from < time && time < outer.to;
                    if let Some(outer) = self.sections.first().filter(is_inside) {
                        let what = match vector {
                            Vector::CallFunction => format!("CPU#{caller}'s call"),
                            _ => "its timer".to_owned(),
                        };
                        return Err(format!(
                            "CPU#{cpu} took an interrupt at {time} s ({what}). It was to take it at {} s: its \
                             interrupts were off since {} s, and the end of an inner section restores what was there \
                             before",
                            outer.to, outer.from
                        ));
                    }
                }
                Event::Enter { ref func } if record.cpu == cpu && func == ARE_YOU_THERE.name => {
                    answers += 1;
                    if time != due || answers > 1 {
                        return Err(format!(
                            "CPU#{cpu} was to answer CPU#{caller}'s call once, at {due} s. It did so at {time} s{}",
                            if answers > 1 { ", again" } else { "" }
                        ));
                    }
                }
                Event::TaskEnd { .. } if record.cpu == caller && answers == 0 => {
                    return Err(format!(
                        "CPU#{caller} went on at {time} s. It was to wait until CPU#{cpu} had answered, at {due} s"
                    ));
                }
                _ => {}
            }
        }
        if answers == 0 {
            return Err(format!(
                "CPU#{cpu} was to answer CPU#{caller}'s call at {due} s. It never did, until the machine was switched \
                 off at {} s",
                incident.ended
            ));
        }
        let goes_on = |event: &Event| matches!(event, Event::TaskEnd { .. });
        match incident.records.iter().any(|record| record.cpu == caller && goes_on(&record.event)) {
            true => Ok(()),
            false => Err(format!(
                "CPU#{caller} was to go on at {due} s, when CPU#{cpu} had answered. It still waited when the machine \
                 was switched off, at {} s",
                incident.ended
            )),
        }
    }
}
