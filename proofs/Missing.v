(* Facts that Coq's libraries of this version (Coq 8.16, mathcomp-analysis 0.6, Coquelicot 3.2)    *)
(* lack, stated and not assumed: each is a proposition X_statement, and a theorem that needs it has  *)
(* it as a hypothesis in its type. None is an axiom.                                                *)
From Coq Require Import Reals.
From Coquelicot Require Import Coquelicot.
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp classical_sets.
From mathcomp.analysis Require Import Rstruct reals ereal measure lebesgue_measure lebesgue_integral.
From Routegauge Require Import Vectors MomentRatio IsotropicFloor Gaussian SphereLaws.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.Theory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

(* Convergence of a sequence of numbers. *)
Definition tends (R : numDomainType) (u : nat -> R) (l : R) :=
  forall e, 0 < e -> exists N, forall n, (N <= n)%N -> `|u n - l| < e.

Section RandomSequences.
Variables (R : realType) (disp : measure_display) (T : measurableType disp).
Variables (P : {measure set T -> \bar R}) (X : nat -> T -> R).
Local Open Scope classical_set_scope.

(* Random variables of which any two are independent, all of one law. *)
Definition pairwise_independent := forall i j, i != j -> forall A B : set R,
  measurable A -> measurable B ->
  P (X i @^-1` A `&` X j @^-1` B) = (P (X i @^-1` A) * P (X j @^-1` B))%E.
Definition identically_distributed := forall i (A : set R), measurable A ->
  P (X i @^-1` A) = P (X 0%N @^-1` A).
Definition iid_pairwise := [/\ P [set: T] = 1%E, forall i, measurable_fun [set: T] (X i),
  pairwise_independent & identically_distributed].
(* The mean as a number, and the mean of the first n values. *)
Definition expectation (Y : T -> R) : R := fine (\int[P]_t (Y t)%:E)%E.
Definition has_mean (Y : T -> R) := P.-integrable [set: T] (fun t => (Y t)%:E).
Definition running_mean t n : R := (\sum_(i < n) X i t) / n%:R.
End RandomSequences.

(* The strong law of large numbers for pairwise independent variables (Etemadi 1981): the running  *)
(* means of identically distributed integrable variables converge to the mean almost surely. The   *)
(* libraries have measures and integrals, but neither independence nor laws of large numbers.      *)
Definition slln_statement : Prop :=
  forall (R : realType) (disp : measure_display) (T : measurableType disp) (P : {measure set T -> \bar R})
    (X : nat -> T -> R), iid_pairwise P X -> has_mean P (X 0%N) ->
  {ae P, forall t, tends (running_mean X t) (expectation P (X 0%N))}.

(* Haar's law: every orthogonal group carries a law that multiplication from the left preserves. *)
(* The libraries have no measure on a group of matrices and no sphere measure.                   *)
Definition haar_exists_statement : Prop := forall d, (0 < d)%N -> exists G, @haar d G.

(* E|u_1| for a uniform unit vector of dimension d is Gamma(d/2) / (sqrt pi Gamma((d+1)/2)); the *)
(* libraries have no Gamma function, so it is written by its recursion 1, 2/pi, and from d to     *)
(* d + 2 the factor d/(d+1). The second moments E|u_i u_j| need no such fact (MR-5).               *)
Fixpoint abs_moments (n : nat) : R * R :=
  if n is m.+1 then let: (a, b) := abs_moments m in (b, m.+1%:R / m.+2%:R * a) else (1, 2 / PI).
Definition sphere_abs_moment (d : nat) : R := (abs_moments d.-1).1.
Definition sphere_first_moment_statement : Prop := forall d E (i : 'I_d), uniform_on_sphere E ->
  E (fun u => `|u i 0|) = sphere_abs_moment d.

(* Concentration on the sphere (Levy; the constant follows from Bakry and Emery's criterion, the  *)
(* sphere of dimension d - 1 having Ricci curvature d - 2): a 1-Lipschitz function is farther than *)
(* t from its mean with probability at most 2 exp(-(d-2) t^2/2). Needs isoperimetry or diffusion   *)
(* semigroups, which no Coq library has.                                                           *)
Definition levy_statement : Prop := forall d E (g : 'cV[R]_d -> R) t, uniform_on_sphere E ->
  (forall u v, sphere u -> sphere v -> `|g u - g v| <= vdist u v) -> 0 < t ->
  mass_at_most (@vdist d) (@sphere d) E (fun u => t <= `|g u - E g|)
    (2 * exp (- ((d%:R - 2) * t ^+ 2 / 2))).

(* The normal approximation in the mean (Goldstein 2010, constant 1; here for variables with       *)
(* finitely many values): the sum of independent X_i with mean 0 and total variance 1 is within     *)
(* sum E|X_i|^3 of a standard normal variable in Wasserstein distance, tested on 1-Lipschitz h.     *)
(* The libraries have neither Stein's method nor the central limit theorem.                         *)
Definition goldstein_statement : Prop :=
  forall n (T : finType) (p X : 'I_n -> T -> R) (h : R -> R) (m : R),
    (forall i, law (p i)) -> (forall i, mean (p i) (X i) = 0) ->
    \sum_i mean (p i) (fun t => X i t ^+ 2) = 1 ->
    (forall x y, `|h x - h y| <= `|x - y|) -> normal_mean h m ->
  `|\sum_(s : {ffun 'I_n -> T}) (\prod_i p i (s i)) * h (\sum_i X i (s i)) - m| <=
    \sum_i mean (p i) (fun t => `|X i t| ^+ 3).

(* Uniform laws of large numbers (symmetrisation and McDiarmid's inequality, for laws with finitely *)
(* many values): let r bound the Rademacher complexity of the class F, the mean over N independent  *)
(* draws and N random signs of the best correlation with the signs (best members are selected by    *)
(* any function c of draws and signs). Then with probability at least 1 - delta no empirical mean   *)
(* of the class is farther from its mean than 2 r + sqrt(ln(2/delta) / (2 N)). The libraries lack    *)
(* both inequalities.                                                                               *)
Definition draws_weight (T : finType) N (p : T -> R) (s : {ffun 'I_N -> T}) : R := \prod_n p (s n).
Definition rademacher_statement : Prop :=
  forall (T : finType) (p : T -> R) (I : Type) (F : I -> T -> R) N r delta,
    law p -> (0 < N)%N -> (forall i t, 0 <= F i t <= 1) -> 0 < delta -> delta < 1 ->
    (forall c : {ffun 'I_N -> T} -> pattern N -> I,
       \sum_s draws_weight p s * average (fun e => (\sum_n (sgnb _ (e n) : R) * F (c s e) (s n)) / N%:R) <= r) ->
  forall bad : pred {ffun 'I_N -> T},
    (forall s, bad s -> exists i,
       2 * r + sqrt (ln (2 / delta) / (2 * N%:R)) < `|(\sum_n F i (s n)) / N%:R - mean p (F i)|) ->
  \sum_(s | bad s) draws_weight p s <= delta.

(* Two-level quantisers with levels a < b: the conditions of Lloyd and Max say that each level is   *)
(* the mean of the density p over its cell, the cells meeting halfway.                              *)
Definition lower_cell (f : R -> R) (c m : R) := is_RInt_gen f (Rbar_locally m_infty) (at_point c) m.
Definition upper_cell (f : R -> R) (c m : R) := is_RInt_gen f (at_point c) (Rbar_locally p_infty) m.
Definition lloyd_max (p : R -> R) (a b : R) := Rlt a b /\ exists Ml Al Mr Ar : R,
  [/\ lower_cell p ((a + b) / 2) Ml, lower_cell (fun x => x * p x) ((a + b) / 2) Al,
      upper_cell p ((a + b) / 2) Mr & upper_cell (fun x => x * p x) ((a + b) / 2) Ar] /\
  (a * Ml = Al /\ b * Mr = Ar).
Definition strictly_log_concave (p : R -> R) := forall x y t : R, x <> y -> 0 < t -> t < 1 ->
  t * ln (p x) + (1 - t) * ln (p y) < ln (p (t * x + (1 - t) * y)).
(* Fleischer (1964): for a continuous, strictly log-concave density these conditions have at most   *)
(* one solution. The libraries have nothing on quantisers.                                           *)
Definition fleischer_statement : Prop := forall p : R -> R,
  (forall x, continuous p x) -> (forall x, 0 < p x) -> strictly_log_concave p ->
  forall a b a' b', lloyd_max p a b -> lloyd_max p a' b' -> a = a' /\ b = b'.

(* Null sets of R^n: covered by countably many boxes of as little volume as one likes. *)
Definition null_set n (Z : ('I_n -> R) -> Prop) := forall eps : R, 0 < eps ->
  exists lo hi : nat -> 'I_n -> R,
    [/\ forall m i, lo m i <= hi m i,
        forall x, Z x -> exists m, forall i, lo m i <= x i <= hi m i &
        forall M, \sum_(m < M) \prod_i (hi m i - lo m i) <= eps].
(* Real-analytic functions on R^n: near every point an absolutely convergent power series in n       *)
(* variables, the exponents of the first terms below M.                                              *)
Definition monomial n (x : 'I_n -> R) M (k : {ffun 'I_n -> 'I_M}) : R := \prod_i x i ^+ k i.
Definition analytic n (f : ('I_n -> R) -> R) := forall x0 : 'I_n -> R,
  exists (r : R) (c : ('I_n -> nat) -> R), [/\ 0 < r,
    exists B, forall M, \sum_(k : {ffun 'I_n -> 'I_M}) `|c (fun i => k i)| * monomial (fun=> r) k <= B &
    forall x, (forall i, `|x i - x0 i| < r) ->
      tends (fun M => \sum_(k : {ffun 'I_n -> 'I_M}) c (fun i => k i) * monomial (fun i => x i - x0 i) k) (f x)].
(* The zeros of an analytic function that is not zero throughout are a null set. The libraries have  *)
(* no Lebesgue measure on R^n with a theorem of this kind.                                           *)
Definition analytic_zeros_statement : Prop := forall n (f : ('I_n -> R) -> R), (0 < n)%N ->
  analytic f -> (exists x, f x <> 0) -> null_set (fun x => f x = 0).
